"""Which split a row belongs to, by the value of its split key."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from schema.problem import Split

SPLITS = ("train", "eval", "test")


def assign(values: Sequence[bytes | int], split: Split) -> NDArray[np.int8]:
    """Split numbers (indices into SPLITS), shape [len(values)].

    Rows with equal values share a split, whatever the order or the size of the file. The buckets are TFX's own:
    sha256 of the serialized tf.train.Feature, modulo the buckets in all (base_example_gen_executor._PartitionFn).
    """
    ends = np.cumsum([split.train, split.eval, split.test])
    # Not numpy.unique: an array of bytes drops trailing NULs, and is as wide as its widest value.
    unique = list(set(values))
    buckets = [_bucket(value, int(ends[-1])) for value in unique]
    numbers = dict(zip(unique, np.searchsorted(ends, buckets, side="right"), strict=True))
    return np.fromiter((numbers[value] for value in values), np.int8, len(values))


def _bucket(value: bytes | int, buckets: int) -> int:
    return int(hashlib.sha256(feature_bytes(value)).hexdigest(), 16) % buckets


def feature_bytes(value: bytes | int) -> bytes:
    """The serialized tf.train.Feature that holds one value (bytes_list is field 1, int64_list is field 3)."""
    if isinstance(value, bytes):
        return _field(0x0A, _field(0x0A, value))
    return _field(0x1A, _field(0x0A, _varint(value & 0xFFFFFFFFFFFFFFFF)))


def _field(tag: int, payload: bytes) -> bytes:
    return bytes([tag]) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
