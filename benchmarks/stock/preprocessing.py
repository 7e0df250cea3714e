"""The same encodings as ours, with TFT's own analyzers: what a user of the stock Transform would write."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from benchmarks.stock.statistics import named
from models.preprocessing import encoding
from models.preprocessing.preprocessing import dense
from schema.bound import BoundProblem
from schema.problem import Encoding, Problem


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Encodes one batch of a binary problem whose label is 0 or 1.

    Args:
        inputs: raw columns by name, each a SparseTensor [N, 1] or a dense tensor [N] or [N, 1].
        custom_config: `bound`, the BoundProblem as JSON.

    Returns:
        One [N] tensor a feature (int64 ids, or float32 ranks) and the int64 label.
    """
    bound = BoundProblem.model_validate_json(custom_config["bound"])
    problem = bound.problem
    raw = {name: dense(inputs[name], bound, name) for name in problem.features}
    outputs: dict[str, tf.Tensor] = {}
    for name in problem.of(Encoding.VOCABULARY):
        outputs[name] = _vocabulary(raw[name], name, problem.features[name].top_k)
    for name in problem.of(Encoding.IDENTITY):
        outputs[name] = encoding.identity_id(raw[name], *bound.domains[name])
    outputs.update(_ranks(raw, problem))
    outputs[problem.label] = _label(inputs[problem.label])
    return outputs


def _label(column: Any) -> tf.Tensor:
    return tf.reshape(tf.sparse.to_dense(column) if isinstance(column, tf.SparseTensor) else column, [-1])


def _vocabulary(strings: tf.Tensor, name: str, top_k: int) -> tf.Tensor:
    present = tf.boolean_mask(strings, strings != "")
    path = tft.vocabulary(present, top_k=top_k, vocab_filename=name)
    index = tft.apply_vocabulary(strings, path, default_value=-1)
    return encoding.vocabulary_id(strings, index)


def _ranks(raw: Mapping[str, tf.Tensor], problem: Problem) -> dict[str, tf.Tensor]:
    outputs: dict[str, tf.Tensor] = {}
    for buckets, names in problem.quantile_groups().items():
        numbers = tf.stack([raw[name] for name in names], axis=1)
        # One analyzer for all features with as many buckets: each analyzer costs Beam stages.
        boundaries = _boundaries(numbers, buckets)
        boundaries = tf.stack([named(boundaries[place], name) for place, name in enumerate(names)])
        ranks = tf.unstack(encoding.quantile_ranks(numbers, boundaries), num=len(names), axis=1)
        outputs.update(zip(names, ranks, strict=True))
    return outputs


def _boundaries(numbers: tf.Tensor, buckets: int) -> tf.Tensor:
    """[F, buckets + 1] of numbers [N, F]; NaN does not count. A feature that is never present has zeros."""
    infinite = float("inf") * tf.ones_like(numbers)
    absent = tf.math.is_nan(numbers)
    low = tft.min(tf.where(absent, infinite, numbers), reduce_instance_dims=False)
    high = tft.max(tf.where(absent, -infinite, numbers), reduce_instance_dims=False)
    # The sketch passes over NaN (tfx_bsl's weighted quantiles).
    inner = tft.quantiles(numbers, num_buckets=buckets, epsilon=0.1 / buckets, reduce_instance_dims=False)
    ends = tf.stack([low, high], axis=1)
    boundaries = tf.concat([ends[:, :1], tf.reshape(inner, [-1, buckets - 1]), ends[:, 1:]], axis=1)
    return tf.where(tf.reduce_all(tf.math.is_finite(boundaries), axis=1, keepdims=True), boundaries, 0.0)
