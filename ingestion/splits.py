"""Which split a row belongs to: TFX's own rule, for whole columns."""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingestion.serialized import feature_bytes, serialized
from schema.problem import Split

SPLITS = ("train", "eval", "test")


def split_numbers(table: pa.Table, split: Split) -> NDArray[np.int8]:
    """Split of each row, shape [rows]: by the split key, which no row may lack, or by all that the row says.

    Either is what TFX's ExampleGen decides of the same Examples (base_example_gen_executor._PartitionFn): sha256 of
    the serialized key feature or, without a key, of the whole Example, modulo the buckets in all. An Example is
    serialized with its features in order of their names, which is not the order of the bytes on disk.
    """
    if split.key is None:
        return _by_hash(serialized(table), split)
    codes = pc.dictionary_encode(table[split.key].combine_chunks())
    codes = codes.combine_chunks() if isinstance(codes, pa.ChunkedArray) else codes
    numbers: NDArray[np.int8] = _by_hash(map(feature_bytes, codes.dictionary.to_pylist()), split)[codes.indices]
    return numbers


def assign(values: Sequence[bytes | int], split: Split) -> NDArray[np.int8]:
    """Split numbers (indices into SPLITS) of values of the split key, shape [len(values)].

    Rows with equal values share a split, whatever the order or the size of the file.
    """
    # Not numpy.unique: an array of bytes drops trailing NULs, and is as wide as its widest value.
    unique = list(set(values))
    numbers = dict(zip(unique, _by_hash(map(feature_bytes, unique), split), strict=True))
    return np.fromiter((numbers[value] for value in values), np.int8, len(values))


def _by_hash(contents: Iterable[bytes], split: Split) -> NDArray[np.int8]:
    ends = np.cumsum([split.train, split.eval, split.test])
    buckets = [int.from_bytes(hashlib.sha256(content).digest()) % int(ends[-1]) for content in contents]
    numbers: NDArray[np.int8] = np.searchsorted(ends, buckets, side="right").astype(np.int8)
    return numbers
