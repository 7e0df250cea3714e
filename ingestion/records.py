"""Shards of serialized tf.Examples to Arrow, a batch of rows at a time."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from schema.gzip_shards import damaged_shard

BATCH_ROWS = 8192


def example_batches(
    shards: Iterable[Path], schema: schema_pb2.Schema, rows: int = BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """Batches of at most `rows` rows of gzip TFRecord shards, in order.

    Each column of the schema is a list array [rows] of its values; a feature without a value is a null list. Memory is
    that of a batch.

    Raises:
        DamagedFileError: naming a shard that cannot be read.
    """
    paths = list(shards)
    decoder = example_coder.ExamplesToRecordBatchDecoder(schema.SerializeToString())
    names = [str(path) for path in paths]
    options = tf.data.Options()
    # An iterator that ends waits for the tuner's next look, which may be as far off as the beginning.
    options.autotune.enabled = False
    records = tf.data.TFRecordDataset(names, compression_type="GZIP").batch(rows).prefetch(1).with_options(options)
    try:
        for batch in records.as_numpy_iterator():
            yield decoder.DecodeBatch(list(batch))
    except tf.errors.DataLossError as error:
        raise damaged_shard(paths, error.message) from None
