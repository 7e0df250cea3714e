"""Small problems of each task, with rows and models that answer what the rows say, so that every edge can be chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from schema.problem import Problem

Row = Mapping[str, Any]
CLASSES = ("barley", "maize", "rye")

_KINDS = {"site": "BYTES", "crop": "BYTES", "week": "INT", "acid": "FLOAT"}


@dataclass(frozen=True)
class Case:
    """A problem, its rows, and the columns that candidate and baseline answer with."""

    problem: Problem
    rows: tuple[Row, ...]
    candidate: tuple[str, ...]
    baseline: tuple[str, ...]
    folder: Path = field(default=Path())

    def schema(self) -> schema_pb2.Schema:
        """Every column, with the type of its values; one value a row, or none."""
        names = sorted({name for row in self.rows for name in row} | set(_KINDS))
        kinds = {name: self._kind(name) for name in names}
        lines = [f'feature {{ name: "{name}" type: {kinds[name]} value_count {{ min: 0 max: 1 }} }}' for name in names]
        return text_format.Parse("\n".join(lines), schema_pb2.Schema())

    def _kind(self, name: str) -> str:
        integer = any(isinstance(row.get(name), int) for row in self.rows)
        return _KINDS.get(name, "INT" if integer else "FLOAT")


class Answering(tf.Module):
    """A model that answers with columns of its rows, and numbers the classes of a text label."""

    def __init__(self, columns: tuple[str, ...], key: str, classes: tuple[str, ...]) -> None:
        super().__init__()
        self._columns, self._key = columns, key
        self._table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(tf.constant(classes or ("",)), tf.range(len(classes or ("",)))), -1
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """[rows] of one column, [rows, columns] of several."""
        parsed = tf.io.parse_example(examples, {name: tf.io.FixedLenFeature([], tf.float32) for name in self._columns})
        answers = [parsed[name] for name in self._columns]
        return {self._key: answers[0] if len(answers) == 1 else tf.stack(answers, axis=1)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def number_classes(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """The class number [rows] of `crop`."""
        parsed = tf.io.parse_example(examples, {"crop": tf.io.FixedLenFeature([], tf.string, "")})
        return {"crop": tf.cast(self._table.lookup(parsed["crop"]), tf.int64)}


def save(columns: tuple[str, ...], key: str, folder: Path, classes: tuple[str, ...] = ()) -> Path:
    """Such a model as a Model artifact's folder."""
    model = Answering(columns, key, classes)
    signatures = {"serving_default": model.serve, **({"transform_labels": model.number_classes} if classes else {})}
    tf.saved_model.save(model, str(folder / "Format-Serving"), signatures=signatures)
    return folder


def _problem(task: str, label: str, evaluation: dict[str, Any], classes: tuple[str, ...] = ()) -> Problem:
    values = {
        "name": task,
        "title": "?",
        "task": task,
        "label": label,
        "classes": list(classes),
        "data": {"path": ""},
        "features": {"site": {"encoding": "vocabulary"}},
        # What stock TFMA has no like of is left out: its intervals are over rows at random.
        "evaluation": {
            "slices": [["site"], ["week"], ["acid"], ["week", "site"]],
            "intervals": False,
            **evaluation,
        },
    }
    return Problem.from_mapping(values, "problem.yaml")


def _places(row: int) -> dict[str, Any]:
    """Where a row was measured; some rows lack one or both, and site "ö" and week 3 are rare."""
    place: dict[str, Any] = {}
    if row % 7:
        place["site"] = "ö" if row % 50 == 1 else ("north", "south")[row % 2]
    if row % 11:
        place["week"] = 3 if row % 60 == 2 else 1 + row % 5 % 2
    if row % 3:
        place["acid"] = (0.1, 6.5)[row % 2]
    return place


def binary_case() -> Case:
    """Ties, probabilities at and beside the histogram's edges, and 0 and 1, right and wrong; week 3 has one class."""
    random = np.random.default_rng(7)
    rows: list[Row] = []
    for row, score in enumerate(np.round(0.01 + 0.98 * random.random(240), 2).tolist()):
        place, late = _places(row), int(random.random() < 0.2 + 0.6 * score)
        label = 1 if place.get("week") == 3 else late
        rows.append({**place, "late": label, "new": score, "old": round(1 - score / 2, 2)})
    for score in (0.5, 0.49999997, 1e-7, 0.9999999):
        rows += [{"week": 1, "late": label, "new": score, "old": 0.25} for label in (0, 1)]
    # Stock TFMA has no log loss of a certain model, even where it is right; the weeks are left without.
    rows += [{"site": "north", "late": label, "new": score, "old": 0.5} for label in (0, 1) for score in (0.0, 1.0)]
    evaluation = {
        "slices": [["site"], ["week"]],
        "bounds": {"auc": 0.99, "binary_accuracy": 0.1},
        "changes": {"auc": 0.0, "binary_accuracy": -0.9},
        "slice_bounds": {"binary_accuracy": 0.7},
        "threshold": 0.37,
    }
    return Case(_problem("binary", "late", evaluation), tuple(rows), ("new",), ("old",))


def multiclass_case() -> Case:
    """Labels are text; some greatest scores are tied."""
    random = np.random.default_rng(11)
    rows = []
    for row in range(200):
        new, old = (np.round(random.dirichlet((1.5, 1, 0.7)), 2) for _ in range(2))
        scores = {f"new_{number}": float(value) for number, value in enumerate(new)}
        scores |= {f"old_{number}": float(value) for number, value in enumerate(old)}
        best = int(np.argmax(new)) if random.random() < 0.6 else int(random.integers(3))
        rows.append({**_places(row), "crop": CLASSES[best], **scores})
    rows.append({"crop": "rye", "new_0": 0.4, "new_1": 0.4, "new_2": 0.2, "old_0": 0.0, "old_1": 0.0, "old_2": 1.0})
    evaluation = {"bounds": {"accuracy": 0.9}, "changes": {"log_loss": 0.1}, "slice_bounds": {"log_loss": 1.0}}
    names = [f"{age}_{number}" for age in ("new", "old") for number in range(3)]
    problem = _problem("multiclass", "crop", evaluation, CLASSES)
    return Case(problem, tuple(rows), tuple(names[:3]), tuple(names[3:]))


def regression_case() -> Case:
    """The baseline is one off on every row."""
    random = np.random.default_rng(13)
    rows = []
    for row in range(200):
        place, grown = _places(row), float(np.round(random.normal(6, 2), 3))
        rows.append({**place, "grown": grown, "new": grown + float(random.normal(0, 0.5)), "old": grown + 1})
    evaluation = {"bounds": {"mean_absolute_error": 0.1}, "slice_bounds": {"mean_squared_error": 0.3}}
    return Case(_problem("regression", "grown", evaluation), tuple(rows), ("new",), ("old",))
