"""An evaluation of shards in one process and one pass, without Beam: what the files hold, whatever a runner does."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.slicer import slicer_lib

from evaluation.rows import BATCH_ROWS, Batch, RowReader, row_reader, serialized_batches
from evaluation.scored_slices import ScoredSlices, Values, single_model_config
from evaluation.served_model import ModelPlace, ServedModel
from evaluation.slices import GrowingSlices, RowSlices, SliceKey, row_slices, slice_features
from schema.errors import InputError


@dataclass(frozen=True)
class AnsweredRows:
    """Rows as a model answers them.

    Attributes:
        labels: [N].
        predictions: [N, outputs]; see evaluation.vector_form.Scored.
        slices: of all N rows.
    """

    labels: NDArray[Any]
    predictions: NDArray[np.floating[Any]]
    slices: RowSlices

    @property
    def scale(self) -> float:
        """What the steps of the model's answers are a fixed share of: the largest answer.

        Answers of 64 bits are float32 with an offset added, so of them it is the largest distance between two.
        """
        if self.predictions.dtype == np.float64:
            return float(np.ptp(self.predictions))
        return float(np.abs(self.predictions).max())

    def metrics(self, config: config_pb2.EvalConfig) -> dict[SliceKey, Values]:
        """The config's metrics by name, by slice; None where undefined."""
        values = ScoredSlices(config, self.labels, self.slices).metrics("model", self.predictions)
        return {as_written(key): found for key, found in zip(self.slices.keys, values, strict=True)}


def as_written(key: SliceKey) -> SliceKey:
    """The slice key as TFMA's files have it."""
    written: SliceKey = slicer_lib.deserialize_slice_key(slicer_lib.serialize_slice_key(key))
    return written


def answered_rows(
    model: Path,
    shards: Iterable[Path],
    config: config_pb2.EvalConfig,
    schema: schema_pb2.Schema,
    batch_rows: int = BATCH_ROWS,
) -> AnsweredRows:
    """Every row of the shards, in order; memory is that of a batch and of what AnsweredRows holds.

    Args:
        model: the folder of the SavedModel.
        shards: TFRecord files of tf.Examples.
        config: TFMA's, of which the candidate is asked.
        schema: of the examples.
        batch_rows: rows that are answered at once; results do not change by them.

    Raises:
        InputError: if there is no row, or if the rows or the model are not what the config says.
    """
    (spec,) = single_model_config(config).model_specs
    features = slice_features(config.slicing_specs)
    reader = row_reader(schema, {spec.label_key, *(name for names in features for name in names)}, batch_rows)
    served, growing = ServedModel(ModelPlace.of(spec, model)), GrowingSlices()
    labels, predictions = [], []
    for batch in _batches(reader, shards):
        answers = served.answer(batch)
        labels.append(answers.labels)
        predictions.append(answers.predictions)
        growing.add(row_slices(batch.columns, features, len(answers.labels)), len(answers.labels))
    if not labels:
        raise InputError(f"{model}: expected rows to evaluate it on. Received: none")
    return AnsweredRows(np.concatenate(labels), np.concatenate(predictions), growing.result())


def _batches(reader: RowReader, shards: Iterable[Path]) -> Iterable[Batch]:
    return (batch for shard in shards for batch in reader.batches(shard))


def write_sample(shards: Sequence[Path], target: Path, rows: int, sample_rows: int, seed: int) -> int:
    """Writes rows that are drawn without replacement, in their order, as one TFRecord file.

    Args:
        shards: TFRecord files of tf.Examples.
        target: the file to write.
        rows: in all shards.
        sample_rows: to draw; all rows where there are no more.
        seed: of the draw.

    Returns:
        How many rows were written.
    """
    count = min(sample_rows, rows)
    drawn = np.zeros(rows, bool)
    drawn[np.random.default_rng(seed).choice(rows, count, replace=False)] = True
    batches = (batch for shard in shards for batch in serialized_batches(shard))
    records = (record for batch in batches for record in batch.numpy().tolist())
    with tf.io.TFRecordWriter(str(target)) as writer:
        for wanted, record in zip(drawn, records, strict=True):
            if wanted:
                writer.write(record)
    return count


def row_count(shards: Iterable[Path]) -> int:
    """Rows in all shards, counted from the files."""
    return sum(int(batch.shape[0]) for shard in shards for batch in serialized_batches(shard))
