"""Typed rows to serialized tf.Examples in TFRecord shards."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

BATCH_ROWS = 4096
_SPEED_OVER_SIZE = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)


def write_examples(table: pa.Table, schema: schema_pb2.Schema, folder: Path) -> None:
    """Writes one gzip TFRecord shard of serialized tf.Examples; a null cell is a feature without a value."""
    folder.mkdir(parents=True, exist_ok=True)
    with shard_writer(folder / "data_tfrecord-00000-of-00001.gz") as writer:
        for example in encoded(table, example_encoder(schema)):
            writer.write(example)


def shard_writer(path: Path) -> tf.io.TFRecordWriter:
    """A writer of one gzip shard; what is left unclosed is not whole."""
    return tf.io.TFRecordWriter(str(path), _SPEED_OVER_SIZE)


def example_encoder(schema: schema_pb2.Schema) -> example_coder.RecordBatchToExamplesEncoder:
    """The coder that `encoded` takes."""
    return example_coder.RecordBatchToExamplesEncoder(schema)


def encoded(table: pa.Table, encoder: example_coder.RecordBatchToExamplesEncoder) -> Iterator[bytes]:
    """The rows as serialized tf.Examples, in order; BATCH_ROWS of them are in memory at a time."""
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        yield from encoder.encode(as_lists(batch))


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
