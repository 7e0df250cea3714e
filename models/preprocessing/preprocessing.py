"""Transform's preprocessing_fn: raw columns to ids and ranks, with the statistics of the training split."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from models.preprocessing.encoder import Encoder
from models.preprocessing.statistics import Statistics
from schema.bound import BoundProblem
from schema.problem import Task


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Encodes one batch.

    It has no analyzers: what they would find, models.preprocessing.training_statistics has found already, per shard.

    Args:
        inputs: raw columns by name, each a SparseTensor [N, 1] or a dense tensor [N] or [N, 1].
        custom_config: `bound`, the BoundProblem, and `statistics`, the Statistics, as JSON.

    Returns:
        One [N] tensor a feature (int64 ids, or float32 ranks) and the label: int64 class, or the standardised
        float32 value of a regression.
    """
    bound = BoundProblem.model_validate_json(custom_config["bound"])
    encoder = Encoder(bound, Statistics.from_json(custom_config["statistics"]))
    outputs = encoder.encode({name: dense(inputs[name], bound, name) for name in bound.problem.features})
    outputs[bound.problem.label] = _label(inputs[bound.problem.label], encoder)
    return outputs


def dense(column: Any, bound: BoundProblem, feature: str) -> tf.Tensor:
    """The column as a dense row tensor [N] with the feature's missing value in its gaps."""
    missing = bound.missing_value(feature)
    if isinstance(missing, float):
        if isinstance(column, tf.SparseTensor):
            column = tf.SparseTensor(column.indices, tf.cast(column.values, tf.float32), column.dense_shape)
        else:
            column = tf.cast(column, tf.float32)
    return _densify(column, missing)


def _densify(column: Any, missing: bytes | float) -> tf.Tensor:
    if isinstance(column, tf.SparseTensor):
        shape = tf.stack([column.dense_shape[0], 1])
        column = tf.sparse.to_dense(tf.SparseTensor(column.indices, column.values, shape), default_value=missing)
    return tf.reshape(column, [-1])


def _label(column: Any, encoder: Encoder) -> tf.Tensor:
    problem, statistics = encoder.bound.problem, encoder.statistics
    if problem.task is Task.REGRESSION:
        # In float64 until it is centred: float32 would round an integer label, and the mean.
        values = tf.cast(_densify(column, 0), tf.float64)
        return tf.cast((values - statistics.label_mean) / statistics.label_scale, tf.float32)
    if problem.classes:
        return encoder.classes.lookup(_densify(column, b""))
    return _densify(column, 0)
