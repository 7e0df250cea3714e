"""Shards of tf.Examples, a batch at a time: whole for the model, and the few columns that are looked at beside it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from schema.errors import InputError

BATCH_ROWS = 8192


class Batch(NamedTuple):
    """`serialized`, a string tensor [rows], and the decoded `columns`, list arrays [rows]."""

    serialized: tf.Tensor
    columns: dict[str, pa.Array]


@dataclass(frozen=True)
class RowReader:
    """Reads shards; of each row's features, only those of `schema` (serialized) are decoded."""

    schema: bytes
    batch_rows: int

    def batches(self, shard: Path) -> Iterator[Batch]:
        """Batches of at most `batch_rows` rows in order; memory is that of two batches."""
        for serialized in serialized_batches(shard, self.batch_rows):
            yield Batch(serialized, self.decoded(serialized.numpy().tolist()))

    def decoded(self, serialized: list[bytes]) -> dict[str, pa.Array]:
        """The columns, list arrays [rows], of serialized tf.Examples."""
        batch = example_coder.ExamplesToRecordBatchDecoder(self.schema).DecodeBatch(serialized)
        return dict(zip(batch.schema.names, batch.columns, strict=True))


def serialized_batches(shard: Path, batch_rows: int = BATCH_ROWS) -> Iterable[tf.Tensor]:
    """String tensors [rows] of a shard's tf.Examples in order, of at most `batch_rows` rows."""
    compression = "GZIP" if shard.suffix == ".gz" else ""
    options = tf.data.Options()
    # An iterator that ends waits for the tuner's next look, which may be as far off as the beginning.
    options.autotune.enabled = False
    records = tf.data.TFRecordDataset(str(shard), compression).batch(batch_rows).prefetch(1)
    batches: Iterable[tf.Tensor] = records.with_options(options)
    return batches


def row_reader(schema: schema_pb2.Schema, features: Iterable[str], batch_rows: int) -> RowReader:
    """A reader that decodes these features.

    Raises:
        InputError: for a feature that the schema does not have.
    """
    known = {feature.name: feature for feature in schema.feature}
    wanted = sorted(set(features))
    for name in wanted:
        if name not in known:
            raise InputError(f"expected a feature of the schema, {sorted(known)}. Received: '{name}'")
    return RowReader(schema_pb2.Schema(feature=[known[name] for name in wanted]).SerializeToString(), batch_rows)
