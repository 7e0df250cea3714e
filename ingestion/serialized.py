"""Rows as tf.Examples in the one serialization that is the same everywhere, made whole columns at a time.

tfx_bsl's coder writes the features of an Example in the order of a hash table, which differs from batch to batch. What
is decided by a row's content (its split, whether a sample takes it) is decided by these bytes instead: features in
order of their names, as `Example.SerializeToString(deterministic=True)` has them.
"""

from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_EXAMPLE_FEATURES = _ENTRY = _KEY = _BYTES_LIST = _VALUE = 0x0A
_FEATURE, _FLOAT_LIST, _INT64_LIST = 0x12, 0x12, 0x1A
# Values come again from batch to batch; as many as are remembered take a few megabytes.
_REMEMBERED = 1 << 16


def serialized(table: pa.Table) -> list[bytes]:
    """One tf.Example a row; columns are of string, int64 or float32, and a null is a feature without a value."""
    features = [_entries(name, table[name]) for name in sorted(table.column_names)]
    joined = pc.binary_join_element_wise(*features, b"").to_pylist()
    return [_field(_EXAMPLE_FEATURES, example) for example in joined]


def _entries(name: str, column: pa.ChunkedArray) -> pa.Array:
    """The map entry of one feature, binary [rows]."""
    if pa.types.is_floating(column.type):
        return _number_entries(name, column)
    codes = pc.dictionary_encode(column.combine_chunks(), null_encoding="encode")
    codes = codes.combine_chunks() if isinstance(codes, pa.ChunkedArray) else codes
    unique = [_value_entry(name, value) for value in codes.dictionary.to_pylist()]
    return pa.array(unique, pa.binary()).take(codes.indices)


def _number_entries(name: str, column: pa.ChunkedArray) -> pa.Array:
    """As _entries: all are equally long, so that they can be laid out as one matrix of bytes."""
    bits = column.fill_null(0.0).to_numpy().astype("<f4").view(np.uint8).reshape(-1, 4)
    start = _entry(name, _float_feature(bytes(4)))[:-4]
    rows = np.empty((len(bits), len(start) + 4), np.uint8)
    rows[:, : len(start)] = np.frombuffer(start, np.uint8)
    rows[:, len(start) :] = bits
    values = pa.Array.from_buffers(pa.binary(rows.shape[1]), len(rows), [None, pa.py_buffer(rows)]).cast(pa.binary())
    return pc.if_else(column.is_valid().combine_chunks(), values, pa.scalar(_entry(name, b""), pa.binary()))


@lru_cache(maxsize=_REMEMBERED)
def _value_entry(name: str, value: str | int | None) -> bytes:
    return _entry(name, b"" if value is None else feature_bytes(value))


def feature_bytes(value: str | bytes | int) -> bytes:
    """The serialized tf.train.Feature that holds one text or integer."""
    if isinstance(value, int):
        return _field(_INT64_LIST, _field(_VALUE, _varint(value & 0xFFFFFFFFFFFFFFFF)))
    return _field(_BYTES_LIST, _field(_VALUE, value.encode() if isinstance(value, str) else value))


def _float_feature(bits: bytes) -> bytes:
    return _field(_FLOAT_LIST, _field(_VALUE, bits))


def _entry(name: str, feature: bytes) -> bytes:
    return _field(_ENTRY, _field(_KEY, name.encode()) + _field(_FEATURE, feature))


def _field(tag: int, payload: bytes) -> bytes:
    return bytes((tag,)) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
