"""One span of raw files to sharded TFRecords of tf.Example, by split."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from ingestion.csv_reader import line_of, read_csv
from ingestion.splits import SPLITS, assign
from schema.errors import InputError
from schema.problem import Split
from schema.rows import Column, columns

_BATCH_ROWS = 4096
_SPEED_OVER_SIZE = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)


@dataclass(frozen=True)
class SpanRequest:
    """What to convert: files of one span, the way they are split, and how many rows to keep (None for all)."""

    span: int
    files: tuple[Path, ...]
    split: Split
    sample_rows: int | None
    seed: int


def write_span(request: SpanRequest, schema: schema_pb2.Schema, label: str, destination: Path) -> dict[str, int]:
    """Writes `destination/Split-<name>/` TFRecords and `rows.json`, all or nothing; returns rows a split.

    Rows with no label are left out and counted under `unlabelled`.

    Raises:
        InputError: naming the file and the line that does not fit or has no split key.
    """
    known = columns(schema)
    table = pa.concat_tables([_read(path, known, request.split, label) for path in request.files])
    labelled = table.filter(table[label].is_valid())
    if labelled.num_rows == 0:
        raise InputError(f"{request.files[0].parent}: no row has a label in column '{label}'")
    kept = sample(labelled, request.sample_rows, request.seed + request.span)
    numbers = split_numbers(kept, request.split, known)
    aside = destination.with_name(f"{destination.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    rows = {"unlabelled": table.num_rows - labelled.num_rows}
    for number, name in enumerate(SPLITS):
        part = kept.filter(pa.array(numbers == number))
        write_examples(part, schema, aside / f"Split-{name}")
        rows[name] = part.num_rows
    (aside / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    shutil.rmtree(destination, ignore_errors=True)
    aside.rename(destination)
    return rows


def _read(path: Path, known: Mapping[str, Column], split: Split, label: str) -> pa.Table:
    table = read_csv(path, known)
    if split.key is not None:
        keyless = pc.and_(table[split.key].is_null(), table[label].is_valid())
        row = pc.index(keyless, True).as_py()
        if row >= 0:
            raise InputError(f"{path}:{line_of(path, row)}: column '{split.key}' is empty. Rows are split by it.")
    return table


def sample(table: pa.Table, rows: int | None, seed: int) -> pa.Table:
    """`rows` rows drawn without replacement, in the table's order; all of them when it has no more."""
    if rows is None or rows >= table.num_rows:
        return table
    chosen = np.random.default_rng(seed).choice(table.num_rows, size=rows, replace=False)
    return table.take(pa.array(np.sort(chosen)))


def split_numbers(table: pa.Table, split: Split, known: Mapping[str, Column]) -> NDArray[np.int8]:
    """Split of each row, shape [rows], by the split key, which no row may lack, or, without one, by the whole row."""
    if split.key is None:
        rows = zip(*(table[name].to_pylist() for name in known), strict=True)
        return assign([repr(row).encode() for row in rows], split)
    values = table[split.key].to_pylist()
    return assign([value.encode() if isinstance(value, str) else value for value in values], split)


def write_examples(table: pa.Table, schema: schema_pb2.Schema, folder: Path) -> None:
    """Writes one gzip TFRecord shard of serialized tf.Examples; a null cell is a feature without a value."""
    folder.mkdir(parents=True, exist_ok=True)
    encoder = example_coder.RecordBatchToExamplesEncoder(schema)
    with tf.io.TFRecordWriter(str(folder / "data_tfrecord-00000-of-00001.gz"), _SPEED_OVER_SIZE) as writer:
        for batch in table.to_batches(max_chunksize=_BATCH_ROWS):
            for example in encoder.encode(as_lists(batch)):
                writer.write(example)


def as_lists(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same columns as lists of at most one value, the layout that tfx_bsl's coders take."""
    arrays = [_as_list(column) for column in batch.columns]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _as_list(column: Any) -> pa.Array:
    values = column.cast(pa.binary()) if pa.types.is_string(column.type) else column
    present = column.is_valid().to_numpy(zero_copy_only=False)
    offsets = pa.array(np.concatenate([[0], np.cumsum(present)]), pa.int32())
    # A null list, not an empty one: TFDV counts an empty list as present with too few values.
    return pa.ListArray.from_arrays(offsets, values.drop_null(), mask=pa.array(~present))
