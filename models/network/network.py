"""The network: embeddings and piecewise-linear numbers, a wide part, a deep tower, members of an ensemble in one."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from models.network.dropout import ByteDropout
from models.network.ensemble_layers import MemberDense, MemberHead, MemberScale
from models.network.weight_transforms import PLAIN, Role, Treatment
from models.preprocessing.statistics import Statistics
from schema.bound import BoundProblem
from schema.problem import Encoding


class HatBasis(tf_keras.layers.Layer):
    """Piecewise-linear basis of ranks: [N, F] to [N, F * (knots + 1)].

    Knot k answers relu(1 - |rank * (knots - 1) - k|); the last column of a feature says that it is missing. A linear
    layer above it is any piecewise-linear function of the rank (Gorishniy et al., 2022, arXiv:2203.05556).
    """

    def __init__(self, knots: int, **options: object) -> None:
        super().__init__(**options)
        self.knots = knots

    def call(self, ranks: tf.Tensor) -> tf.Tensor:
        """Applies the basis."""
        places = tf.constant(np.arange(self.knots), tf.float32)
        hats = tf.nn.relu(1.0 - tf.abs(ranks[:, :, tf.newaxis] * (self.knots - 1.0) - places))
        missing = tf.nn.relu(-ranks)[:, :, tf.newaxis]
        return tf.reshape(tf.concat([hats, missing], axis=2), [-1, ranks.shape[1] * (self.knots + 1)])

    def get_config(self) -> dict[str, object]:
        """Constructor arguments."""
        return {**super().get_config(), "knots": self.knots}


class Table(tf_keras.layers.Embedding):
    """The vectors of a category's ids, as the treatment has them."""

    def __init__(self, ids: int, width: int, treatment: Treatment, **options: object) -> None:
        super().__init__(ids, width, **options)
        self.treatment = treatment

    def build(self, shape: tf.TensorShape) -> None:
        """Creates the vectors."""
        super().build(shape)
        self.treatment.attach(self.embeddings, Role.TABLE)

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        """Vectors [N, width] of ids [N]."""
        if self.treatment is PLAIN:
            return super().call(ids)
        table = self.treatment.weight(self.embeddings.name, tf.convert_to_tensor(self.embeddings), Role.TABLE)
        return tf.gather(table, ids)


def build_network(bound: BoundProblem, statistics: Statistics, treatment: Treatment = PLAIN) -> tf_keras.Model:
    """The untrained network; a treatment changes what it computes, and neither name, shape nor order of its weights.

    Inputs: one [N] tensor a feature, int64 ids or float32 ranks. Output: float32 [N, members, outputs] logits, or
    standardised values for a regression.
    """
    problem, sizes = bound.problem, bound.problem.network
    inputs = {name: _input(bound, name) for name in problem.features}
    numbers = _numbers(bound, inputs)
    table = partial(_table, bound, statistics, treatment)
    wide = [_embed(bound, inputs, partial(table, problem.outputs, "wide"))] if _categories(bound) else []
    deep = [_embed(bound, inputs, partial(table, sizes.embedding_size, "deep"))] if _categories(bound) else []
    logits = _tower([*deep, *numbers], bound, treatment)
    linear = [tf_keras.layers.Dense(problem.outputs, name="wide_numbers")(part) for part in numbers]
    summed = {"outputs": problem.outputs, "treatment": treatment}
    linear += [tf_keras.layers.Lambda(_sum_features, arguments=summed, name="wide_categories")(part) for part in wide]
    for part in linear:
        logits = logits + part[:, tf.newaxis]
    return tf_keras.Model(inputs, logits, name=problem.name)


def _input(bound: BoundProblem, name: str) -> tf.Tensor:
    number = bound.problem.features[name].encoding is Encoding.QUANTILES
    return tf_keras.Input(shape=(), name=name, dtype=tf.float32 if number else tf.int64)


def _categories(bound: BoundProblem) -> list[str]:
    return [n for n, f in bound.problem.features.items() if f.encoding is not Encoding.QUANTILES]


def _numbers(bound: BoundProblem, inputs: Mapping[str, tf.Tensor]) -> list[tf.Tensor]:
    names = bound.problem.of(Encoding.QUANTILES)
    if not names:
        return []
    ranks = tf_keras.layers.Lambda(lambda parts: tf.stack(parts, axis=1), name="ranks")([inputs[n] for n in names])
    return [HatBasis(_decided_knots(bound), name="hat_basis")(ranks)]


def _decided_knots(bound: BoundProblem) -> int:
    decided = bound.problem.network.numeric_knots
    if decided is None:
        raise ValueError(
            "expected a problem whose network.numeric_knots is decided, see models.training.schedule.settled"
        )
    return decided


def knots(network: tf_keras.Model) -> int:
    """Knots of the basis of a network's numbers; 0 if it has no numbers."""
    return sum(layer.knots for layer in network.layers if isinstance(layer, HatBasis))


def _table(
    bound: BoundProblem, statistics: Statistics, treatment: Treatment, width: int, part: str, name: str
) -> tf_keras.layers.Layer:
    return Table(statistics.ids(bound, name), width, treatment, name=f"{part}_embedding_{name}")


def _embed(
    bound: BoundProblem, inputs: Mapping[str, tf.Tensor], table: Callable[[str], tf_keras.layers.Layer]
) -> tf.Tensor:
    return _joined([table(name)(inputs[name]) for name in _categories(bound)])


def _joined(parts: list[tf.Tensor]) -> tf.Tensor:
    return tf_keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]


def _sum_features(values: tf.Tensor, outputs: int, treatment: Treatment) -> tf.Tensor:
    return tf.reduce_sum(tf.reshape(treatment.value(values), [-1, values.shape[1] // outputs, outputs]), axis=1)


def _tower(parts: list[tf.Tensor], bound: BoundProblem, treatment: Treatment) -> tf.Tensor:
    sizes = bound.problem.network
    values: Any = parts if len(parts) > 1 else parts[0]
    for depth, units in enumerate(sizes.hidden_units, start=1):
        layer = MemberDense(units, sizes.members, depth == 1, treatment, name=f"deep_{depth}")
        values = layer(values)
        values = ByteDropout(sizes.dropout, name=f"dropout_{depth}")(values)
    return MemberHead(bound.problem.outputs, name="head")(MemberScale(name="head_scale")(values))
