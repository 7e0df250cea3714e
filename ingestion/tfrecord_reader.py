"""TFRecord files of tf.Examples to typed Arrow tables; what does not fit is named by file and record."""

import gzip
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from google.protobuf.message import DecodeError
from tfx_bsl.coders import example_coder

from ingestion.block import ARROW_TYPES, Block, FirstRows, Rows
from ingestion.typed_columns import precisions, typed
from schema.closed import nearest
from schema.errors import InputError
from schema.rows import Column, Kind

COUNTED_BY = "by the records that fill the file"
_LISTS = {Kind.STRING: "bytes_list", Kind.INTEGER: "int64_list", Kind.NUMBER: "float_list"}
_LARGEST_PART = 1 << 13
# A generous guess, since a record's length is known only when it is read.
_RECORD_BYTES = 1 << 11
_FRAME_BYTES = 16  # of each record: its length, and checksums of both
_CHUNK_BYTES = 1 << 20
# Looked at before anything is converted.
_FIRST_RECORDS = 1 << 12


@dataclass(frozen=True)
class _Records:
    """Some records of a file; `first` is the number of the first, from 1."""

    path: Path
    first: int
    records: list[bytes]

    def place(self, row: int) -> str:
        return f"{self.path}: record {self.first + row}"


def check(path: Path, columns: Mapping[str, Column]) -> None:
    """Looks at the first record, which must fit.

    Raises:
        InputError: naming the record and the feature that does not fit, or why the file cannot be read.
    """
    _typed(_first(path, 1), columns)


def first_rows(path: Path, columns: Mapping[str, Column]) -> FirstRows:
    """Looks at the first records; the first of them that does not fit is a fault."""
    try:
        table = _typed(_first(path, _FIRST_RECORDS), columns)
    except InputError as error:
        return FirstRows([str(error)])
    return FirstRows([], precisions(table, columns))


def _first(path: Path, rows: int) -> _Records:
    first = next(_parts(path, rows), None)
    if first is None:
        raise InputError(f"{path}: no records. Expected at least one.")
    return first


def cut(path: Path, columns: Mapping[str, Column], size: int) -> Iterator[Block]:  # noqa: ARG001 (as all readers)
    """One block: records can be found only from the file's beginning.

    Raises:
        InputError: as `check`.
    """
    check(path, columns)
    yield Block(path)


def read(block: Block, columns: Mapping[str, Column], size: int) -> Iterator[Rows]:
    """The rows of the file, in parts of about `size` bytes; a feature that is absent or has no value is null.

    Each record has checksums of its length and its bytes. The records and their frames together have as many bytes as
    the file, so that none is left out and their number is that of the file's rows.

    Raises:
        InputError: naming the file and the record, from 1, that cannot be read, is no tf.Example, or has a feature
            that is unknown, of another kind, with more than one value, not finite, not UTF-8 or with a NUL.
    """
    for part in _parts(block.path, max(1, min(_LARGEST_PART, size // _RECORD_BYTES))):
        table = _typed(part, columns)
        yield Rows(table, part.place, precisions(table, columns), counted=len(part.records))


def _parts(path: Path, rows: int) -> Iterator[_Records]:
    compression = "GZIP" if path.name.endswith(".gz") else ""
    first, end = 1, 0
    try:
        for batch in tf.data.TFRecordDataset(str(path), compression).batch(rows).as_numpy_iterator():
            records = batch.tolist()
            yield _Records(path, first, records)
            first, end = first + len(records), end + sum(map(len, records)) + _FRAME_BYTES * len(records)
    except tf.errors.OpError as error:
        raise InputError(_reading_fault(path, compression, first, error)) from None
    # TensorFlow takes a record that was cut within its first bytes for the end of the file.
    if end != _length(path):
        raise InputError(f"{path}: record {first}: not readable, the file was cut short here")


def _length(path: Path) -> int | None:
    """Bytes of the file, uncompressed; None if it is a gzip file that has no end."""
    if not path.name.endswith(".gz"):
        return path.stat().st_size
    try:
        with gzip.open(path) as stream:
            return sum(len(chunk) for chunk in iter(partial(stream.read, _CHUNK_BYTES), b""))
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return None


def _reading_fault(path: Path, compression: str, first: int, error: tf.errors.OpError) -> str:
    """Reads on from `first` one by one, to the record that stopped the batch."""
    number = first
    try:
        for _ in tf.data.TFRecordDataset(str(path), compression).skip(first - 1):
            number += 1
    except tf.errors.DataLossError as exact:
        kind = "gzip TFRecord" if compression else "TFRecord"
        return f"{path}: record {number}: not readable, look for a cut or another format than {kind}: {exact.message}"
    except tf.errors.OpError as exact:
        return f"{path}: {exact.message}"
    return f"{path}: {error.message}"


def _typed(part: _Records, columns: Mapping[str, Column]) -> pa.Table:
    try:
        batch = example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(part.records)
    except RuntimeError as error:
        _raise_fault(part, columns)
        raise InputError(f"{part.place(0)} or after it: {error}") from None
    if _is_doubtful(batch, columns):
        _raise_fault(part, columns)
    values = [_single(batch, name, columns[name].kind) for name in columns]
    return typed(pa.table(dict(zip(columns, values, strict=True))), columns, part.place)


def _raise_fault(part: _Records, columns: Mapping[str, Column]) -> None:
    """Looks at each record for one of another form; one before it may still have a value that does not fit."""
    faults = ((row, _record_fault(record, columns)) for row, record in enumerate(part.records))
    row, fault = next(((row, fault) for row, fault in faults if fault), (0, None))
    if row:
        _typed(replace(part, records=part.records[:row]), columns)
    if fault:
        raise InputError(f"{part.place(row)}: {fault}")


def _is_doubtful(batch: pa.RecordBatch, columns: Mapping[str, Column]) -> bool:
    """True where a feature is unknown, of another kind or of several values."""
    if not set(batch.schema.names) <= set(columns):
        return True
    return any(_misfits(batch.column(name), columns[name].kind) for name in batch.schema.names)


def _misfits(column: Any, kind: Kind) -> bool:
    if pa.types.is_null(column.type):
        return False
    several = (pc.max(pc.list_value_length(column)).as_py() or 0) > 1
    return several or column.type.value_type != _value_type(kind)


def _value_type(kind: Kind) -> pa.DataType:
    return pa.large_binary() if kind is Kind.STRING else ARROW_TYPES[kind]


def _single(batch: pa.RecordBatch, name: str, kind: Kind) -> pa.Array:
    """The one value of each list, null where there is none."""
    lists = batch.column(name) if name in batch.schema.names else pa.nulls(batch.num_rows)
    if pa.types.is_null(lists.type):
        return pa.nulls(batch.num_rows, _value_type(kind))
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    return lists.flatten().take(pa.array(np.cumsum(lengths) - 1, mask=lengths == 0))


def _record_fault(record: bytes, columns: Mapping[str, Column]) -> str | None:
    try:
        features = tf.train.Example.FromString(record).features.feature
    except DecodeError as error:
        return f"not a tf.Example: {error}"
    # A map has no order of its own; the first by name is told.
    faults = (_feature_fault(name, features[name], columns) for name in sorted(features))
    return next((fault for fault in faults if fault), None)


def _feature_fault(name: str, feature: tf.train.Feature, columns: Mapping[str, Column]) -> str | None:
    if name not in columns:
        return f"feature {name!r} is not in the schema.{nearest(name, list(columns))}"
    expected, received = _LISTS[columns[name].kind], feature.WhichOneof("kind")
    if received is None:
        return None
    if received != expected:
        return f"feature '{name}': expected {expected}. Received: {received}"
    count = len(getattr(feature, received).value)
    return f"feature '{name}': expected one value or none. Received: {count}" if count > 1 else None
