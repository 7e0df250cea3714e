"""A trained network with its encodings as one module, exported under every signature."""

from collections.abc import Callable, Mapping
from pathlib import Path

import tensorflow as tf
import tf_keras

from models import encoding
from models.fit import member_mean
from models.statistics import Statistics
from schema import signatures
from schema.bound import BoundProblem
from schema.problem import Task
from schema.rows import Column, Kind

_DTYPES = {Kind.STRING: tf.string, Kind.INTEGER: tf.int64, Kind.NUMBER: tf.float32}


class RowModel(tf.Module):
    """Raw rows to scores. The statistics are constants of the graph, so no file travels beside it."""

    def __init__(self, bound: BoundProblem, statistics: Statistics, network: tf_keras.Model) -> None:
        super().__init__()
        self.bound, self.statistics, self.network = bound, statistics, network
        self.classes = vocabulary_table(tuple(name.encode() for name in bound.problem.classes))
        self.tables = {name: vocabulary_table(terms) for name, terms in statistics.vocabularies.items()}

    def encode(self, rows: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Ids and ranks [N] of dense raw columns [N]; see BoundProblem.missing_value for gaps."""
        problem = self.bound.problem
        ids = {
            name: encoding.vocabulary_id(rows[name], table.lookup(rows[name])) for name, table in self.tables.items()
        }
        ids |= {name: encoding.identity_id(rows[name], *domain) for name, domain in self.bound.domains.items()}
        for names in problem.quantile_groups().values():
            ids |= self._ranks(names, rows)
        return {name: ids[name] for name in problem.features}

    def _ranks(self, names: tuple[str, ...], rows: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        boundaries = tf.constant([self.statistics.boundaries[name] for name in names], tf.float32)
        numbers = tf.stack([rows[name] for name in names], axis=1)
        ranks = encoding.quantile_ranks(numbers, boundaries)
        return dict(zip(names, tf.unstack(ranks, num=len(names), axis=1), strict=True))

    def score(self, rows: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Scores [N, outputs]: probabilities, or values in the label's unit."""
        scores = member_mean(self.network(self.encode(rows), training=False), self.bound.problem.task)
        if self.bound.problem.task is Task.REGRESSION:
            return scores * self.statistics.label_scale + self.statistics.label_mean
        return scores

    def answer(self, rows: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """What a client gets: the prediction, and for classifiers the class."""
        problem, scores = self.bound.problem, self.score(rows)
        key = signatures.prediction_key(problem.task)
        if problem.task is Task.REGRESSION:
            return {key: scores[:, 0]}
        if problem.task is Task.MULTICLASS:
            return {key: scores, signatures.CLASS: tf.gather(tf.constant(problem.classes), tf.argmax(scores, axis=1))}
        positive = scores[:, 0] >= problem.evaluation.threshold
        names: tuple[str, ...] | tuple[int, ...] = problem.classes or (0, 1)
        return {key: scores[:, 0], signatures.CLASS: tf.where(positive, names[1], names[0])}


def vocabulary_table(terms: tuple[bytes, ...]) -> tf.lookup.StaticHashTable:
    """Terms to their places, -1 for any other. In the graph: a table read from a file fails on devices."""
    # A table may not be empty; the empty string is never looked at, since it means missing.
    keys = tf.constant(terms or (b"",), tf.string)
    values = tf.range(tf.size(keys, out_type=tf.int64), dtype=tf.int64)
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), default_value=-1)


def row_spec(bound: BoundProblem) -> dict[str, tf.TensorSpec]:
    """One [N] tensor a raw feature."""
    return {name: tf.TensorSpec([None], _DTYPES[bound.dense_kind(name)], name) for name in bound.problem.features}


def example_spec(bound: BoundProblem, columns: Mapping[str, Column]) -> dict[str, tf.io.FixedLenFeature]:
    """How to parse a raw tf.Example at serving: the label is absent, a gap takes the feature's missing value."""
    spec: dict[str, tf.io.FixedLenFeature] = {}
    for name in bound.problem.features:
        missing = bound.missing_value(name)
        if isinstance(missing, float) and columns[name].kind is Kind.INTEGER:
            spec[name] = tf.io.FixedLenFeature([], tf.int64, tf.int64.min)
        else:
            spec[name] = tf.io.FixedLenFeature([], _DTYPES[bound.dense_kind(name)], missing)
    return spec


def parse_rows(serialized: tf.Tensor, bound: BoundProblem, columns: Mapping[str, Column]) -> dict[str, tf.Tensor]:
    """Dense raw columns [N] of serialized tf.Examples [N]."""
    parsed = tf.io.parse_example(serialized, example_spec(bound, columns))
    return {name: _as_dense(column, bound.dense_kind(name)) for name, column in parsed.items()}


def _as_dense(column: tf.Tensor, kind: Kind) -> tf.Tensor:
    if kind is Kind.NUMBER and column.dtype == tf.int64:
        return tf.where(column == tf.int64.min, float("nan"), tf.cast(column, tf.float32))
    return column


def export(model: RowModel, columns: Mapping[str, Column], folder: Path) -> None:
    """Writes the server form (every signature) and the device form (raw rows to `score`) below `folder`."""
    served = _signatures(model, columns)
    tf.saved_model.save(model, str(folder / signatures.SERVING_FORM), signatures=served)
    tf.saved_model.save(
        model,
        str(folder / signatures.DEVICE_FORM),
        signatures={
            signatures.SERVING_DEFAULT: _by_rows(model, lambda rows: {signatures.DEVICE_SCORE: model.score(rows)})
        },
    )


def _signatures(model: RowModel, columns: Mapping[str, Column]) -> dict[str, tf.types.experimental.ConcreteFunction]:
    bound = model.bound
    served = {
        signatures.SERVING_DEFAULT: _by_example(lambda text: model.answer(parse_rows(text, bound, columns))),
        signatures.TRANSFORM_FEATURES: _by_example(lambda text: model.encode(parse_rows(text, bound, columns))),
        signatures.PREDICT_ROWS: _by_rows(model, model.answer),
    }
    if bound.problem.classes:
        served[signatures.TRANSFORM_LABELS] = _by_example(lambda text: parse_class(text, bound, model.classes))
    return served


def parse_class(serialized: tf.Tensor, bound: BoundProblem, classes: tf.lookup.StaticHashTable) -> dict[str, tf.Tensor]:
    """The label as a class number [N], for an Evaluator that reads raw examples; -1 where it is absent."""
    label = bound.problem.label
    parsed = tf.io.parse_example(serialized, {label: tf.io.FixedLenFeature([], tf.string, "")})
    return {label: classes.lookup(parsed[label])}


def _by_example(
    answer: Callable[[tf.Tensor], dict[str, tf.Tensor]],
) -> tf.types.experimental.ConcreteFunction:
    return tf.function(answer).get_concrete_function(tf.TensorSpec([None], tf.string, signatures.EXAMPLES))


def _by_rows(
    model: RowModel, answer: Callable[[Mapping[str, tf.Tensor]], dict[str, tf.Tensor]]
) -> tf.types.experimental.ConcreteFunction:
    spec = row_spec(model.bound)
    return tf.function(lambda **rows: answer(rows)).get_concrete_function(**spec)
