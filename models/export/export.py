"""A trained network with its encodings as one module, exported under every signature."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import tensorflow as tf
import tf_keras

from models.preprocessing.encoder import Encoder
from models.preprocessing.preprocessing import dense
from models.preprocessing.statistics import Statistics
from models.training.fit import member_mean
from schema import signatures
from schema.bound import BoundProblem
from schema.problem import Task
from schema.rows import Column, Kind

_DTYPES = {Kind.STRING: tf.string, Kind.INTEGER: tf.int64, Kind.NUMBER: tf.float32}


class RowModel(tf.Module):
    """Raw rows to scores."""

    def __init__(self, bound: BoundProblem, statistics: Statistics, network: tf_keras.Model) -> None:
        super().__init__()
        self.bound, self.statistics = bound, statistics
        # The network's variables are saved and its operations traced below. Saved itself, each of its layers would
        # become several functions more, which double the file and the time to save and to load it.
        self.weights, self._logits = network.weights, partial(network, training=False)
        self.encoder = Encoder(bound, statistics)

    def encode(self, rows: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Ids and ranks [N] of dense raw columns [N]; see BoundProblem.missing_value for gaps."""
        return self.encoder.encode(rows)

    def score(self, rows: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Scores, float32 [N, outputs]: probabilities, or values in the label's unit less its offset."""
        scores = member_mean(self._logits(self.encode(rows)), self.bound.problem.task)
        if self.bound.problem.task is Task.REGRESSION:
            return scores * self.statistics.label_scale + self.statistics.answer_mean
        return scores

    def answer(self, rows: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """What a client gets: the prediction, and for classifiers the class.

        A regression's value is float32, or float64 where the label has an offset, which no float32 could add.
        """
        problem, scores = self.bound.problem, self.score(rows)
        key = signatures.prediction_key(problem.task)
        if problem.task is Task.REGRESSION:
            offset = self.statistics.label_offset
            return {key: tf.cast(scores[:, 0], tf.float64) + offset if offset else scores[:, 0]}
        if problem.task is Task.MULTICLASS:
            return {key: scores, signatures.CLASS: tf.gather(tf.constant(problem.classes), tf.argmax(scores, axis=1))}
        positive = scores[:, 0] >= problem.evaluation.threshold
        names: tuple[str, ...] | tuple[int, ...] = problem.classes or (0, 1)
        return {key: scores[:, 0], signatures.CLASS: tf.where(positive, names[1], names[0])}


def row_spec(bound: BoundProblem) -> dict[str, tf.TensorSpec]:
    """One [N] tensor a raw feature."""
    return {name: tf.TensorSpec([None], _DTYPES[bound.dense_kind(name)], name) for name in bound.problem.features}


def parse_rows(serialized: tf.Tensor, bound: BoundProblem, columns: Mapping[str, Column]) -> dict[str, tf.Tensor]:
    """Dense raw columns [N] of serialized tf.Examples [N].

    The label is absent at serving. A feature that is absent, and one whose list is empty, has its missing value; more
    than one value a row is an error.
    """
    spec = {name: tf.io.VarLenFeature(_DTYPES[columns[name].kind]) for name in bound.problem.features}
    parsed = tf.io.parse_example(serialized, spec)
    return {name: dense(column, bound, name) for name, column in parsed.items()}


def export(model: RowModel, columns: Mapping[str, Column], folder: Path) -> None:
    """Writes the server form (every signature) and the device form (raw rows to `score`) below `folder`."""
    served = _signatures(model, columns)
    tf.saved_model.save(model, str(folder / signatures.SERVING_FORM), signatures=served)
    export_device_form(model, folder / signatures.DEVICE_FORM)


def export_device_form(model: RowModel, folder: Path) -> None:
    """Writes the device form, raw rows to `score`, into the folder."""
    score = _by_rows(model, lambda rows: {signatures.DEVICE_SCORE: model.score(rows)})
    tf.saved_model.save(model, str(folder), signatures={signatures.SERVING_DEFAULT: score})


def _signatures(model: RowModel, columns: Mapping[str, Column]) -> dict[str, tf.types.experimental.ConcreteFunction]:
    bound = model.bound
    served = {
        signatures.SERVING_DEFAULT: _by_example(lambda text: model.answer(parse_rows(text, bound, columns))),
        signatures.TRANSFORM_FEATURES: _by_example(lambda text: model.encode(parse_rows(text, bound, columns))),
        signatures.PREDICT_ROWS: _by_rows(model, model.answer),
    }
    if bound.problem.classes:
        served[signatures.TRANSFORM_LABELS] = _by_example(lambda text: parse_class(text, bound, model.encoder.classes))
    return served


def parse_class(serialized: tf.Tensor, bound: BoundProblem, classes: tf.lookup.StaticHashTable) -> dict[str, tf.Tensor]:
    """The label as a class number [N], for an Evaluator that reads raw examples; -1 where it is absent."""
    label = bound.problem.label
    parsed = tf.io.parse_example(serialized, {label: tf.io.FixedLenFeature([], tf.string, "")})
    return {label: classes.lookup(parsed[label])}


def _by_example(
    answer: Callable[[tf.Tensor], dict[str, tf.Tensor]],
) -> tf.types.experimental.ConcreteFunction:
    examples = tf.TensorSpec([None], tf.string, signatures.EXAMPLES)
    return tf.function(answer, autograph=False).get_concrete_function(examples)


def _by_rows(
    model: RowModel, answer: Callable[[Mapping[str, tf.Tensor]], dict[str, tf.Tensor]]
) -> tf.types.experimental.ConcreteFunction:
    spec = row_spec(model.bound)
    return tf.function(lambda **rows: answer(rows), autograph=False).get_concrete_function(**spec)
