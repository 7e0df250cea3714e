"""A problem bound to its schema: checked against each other, with what the model needs of the schema."""

import re
from typing import Self

from pydantic import model_validator
from tensorflow_metadata.proto.v0 import schema_pb2

from schema.closed import Closed, nearest
from schema.errors import InputError
from schema.gathered import Gathered
from schema.metrics import check_evaluation
from schema.problem import Encoding, Problem, Task
from schema.rows import Column, Kind, columns
from schema.signatures import LABEL, LEARNING_RATE

# What AnomalyGate calls an anomaly that is no single column's.
WHOLE_DATASET = "dataset"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_INT32_MIN, _INT32_MAX = -(2**31), 2**31 - 1
_FITTING = {
    Encoding.VOCABULARY: (Kind.STRING,),
    Encoding.IDENTITY: (Kind.INTEGER,),
    Encoding.QUANTILES: (Kind.INTEGER, Kind.NUMBER),
}


class BoundProblem(Closed):
    """A problem and the integer domains (both ends inclusive) of its identity-encoded features."""

    problem: Problem
    domains: dict[str, tuple[int, int]]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        absent = set(self.problem.of(Encoding.IDENTITY)) - set(self.domains)
        if absent:
            raise ValueError(f"identity features without a domain: {sorted(absent)}")
        return self

    def dense_kind(self, feature: str) -> Kind:
        """The type of the feature in a dense row, as signatures and device models take it."""
        return dense_kind(self.problem.features[feature].encoding)

    def missing_value(self, feature: str) -> bytes | int | float:
        """What stands for a missing value in a dense row: an empty string, a NaN, or one below the domain."""
        encoding = self.problem.features[feature].encoding
        if encoding is Encoding.VOCABULARY:
            return b""
        return self.domains[feature][0] - 1 if encoding is Encoding.IDENTITY else float("nan")


def dense_kind(encoding: Encoding) -> Kind:
    """STRING for a vocabulary, INTEGER for identity, NUMBER (float32) for quantiles, whatever the file's type."""
    return {Encoding.VOCABULARY: Kind.STRING, Encoding.IDENTITY: Kind.INTEGER}.get(encoding, Kind.NUMBER)


def bind(problem: Problem, schema: schema_pb2.Schema) -> BoundProblem:
    """Checks the problem against the schema and takes the domains from it.

    Raises:
        InputError: naming each key of problem.yaml that does not agree with schema.pbtxt, a line or more for each.
    """
    known, faults = columns(schema), Gathered()
    domains: dict[str, tuple[int, int]] = {}
    with faults.noted():
        _check_names([problem.label, *problem.features])
    for name, feature in problem.features.items():
        with faults.noted():
            column = _column(known, name, f"features.{name}")
            _check_encoding(feature.encoding, column)
            if feature.encoding is Encoding.IDENTITY:
                domains[name] = _domain(column)
    with faults.noted():
        _check_label(problem, _column(known, problem.label, "label"))
    if problem.split.key is not None:
        with faults.noted():
            _check_key(_column(known, problem.split.key, "split.key"))
    tolerated = [entry.partition(":")[0] for entry in problem.anomalies.tolerate]
    others = {
        "evaluation.slices": [name for names in problem.evaluation.slices for name in names],
        "anomalies.tolerate": [name for name in tolerated if name != WHOLE_DATASET],
    }
    for key, names in others.items():
        for name in names:
            with faults.noted():
                _column(known, name, key)
    with faults.noted():
        check_evaluation(problem.evaluation, problem.task)
    with faults.noted():
        _check_trainable(problem)
    faults.raise_all()
    return BoundProblem(problem=problem, domains=domains)


def _check_names(names: list[str]) -> None:
    unfit = [name for name in dict.fromkeys(names) if not _NAME.fullmatch(name)]
    if unfit:
        quoted = ", ".join(f"'{name}'" for name in unfit)
        raise InputError(
            f"problem.yaml: column{'s' if len(unfit) > 1 else ''} {quoted}: expected ASCII letters, digits and _, "
            "beginning with a letter, since signatures and tensors are named so. Rename the column in the files and in "
            f"schema.pbtxt{_renamed(unfit)}."
        )


def _renamed(names: list[str]) -> str:
    """What to write in place of the names, as far as they have letters or digits to go by."""
    plain = {name: re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower() for name in names}
    renamed = [
        f"'{name}' to {text if text[:1].isalpha() else f'column_{text}'}" for name, text in plain.items() if text
    ]
    return f", such as {', '.join(renamed)}" if renamed else ""


def _check_encoding(encoding: Encoding, column: Column) -> None:
    if column.kind not in _FITTING[encoding]:
        expected = " or ".join(_FITTING[encoding])
        raise InputError(
            f"problem.yaml: features.{column.name}: encoding '{encoding}' takes a column of type {expected}. "
            f"Received: {column.kind} in schema.pbtxt"
        )


def _column(known: dict[str, Column], name: str, key: str) -> Column:
    if name not in known:
        raise InputError(f"problem.yaml: {key}: no column '{name}' in schema.pbtxt.{nearest(name, list(known))}")
    return known[name]


def _domain(column: Column) -> tuple[int, int]:
    key = f"problem.yaml: features.{column.name}"
    if column.minimum is None or column.maximum is None:
        raise InputError(
            f"{key}: encoding 'identity' needs an int_domain with min and max in schema.pbtxt, such as "
            f"`int_domain {{ min: 0 max: 9 }}` in the feature '{column.name}' with the column's own ends"
        )
    if column.minimum > column.maximum:
        raise InputError(
            f"{key}: expected an int_domain with min <= max in schema.pbtxt. "
            f"Received: min {column.minimum}, max {column.maximum}"
        )
    if column.minimum <= _INT32_MIN or column.maximum >= _INT32_MAX:
        raise InputError(
            f"{key}: encoding 'identity' expects an int_domain within 32 bits, less one at either end, since device "
            f"models take it so. Received: min {column.minimum}, max {column.maximum}. A column of names in numbers, "
            "such as a customer's, is better made a string with encoding 'vocabulary'"
        )
    return column.minimum, column.maximum


def _check_trainable(problem: Problem) -> None:
    taken = [name for name in problem.features if name in (LABEL, LEARNING_RATE)]
    if problem.device.trainable and taken:
        raise InputError(
            f"problem.yaml: device.trainable: expected no feature '{taken[0]}', since the file that learns takes a "
            f"'{taken[0]}' beside the features. Received: features.{taken[0]}. Rename the column, or do without it"
        )


def _check_key(column: Column) -> None:
    if column.kind is Kind.NUMBER:
        raise InputError(
            f"problem.yaml: split.key: expected column '{column.name}' to be a string or an integer. "
            f"Received: {column.kind} in schema.pbtxt"
        )


def _check_label(problem: Problem, column: Column) -> None:
    _check_label_type(problem, column)
    if problem.task is Task.REGRESSION:
        return
    if not set(column.values) <= set(problem.classes or column.values):
        expected, received = ", ".join(problem.classes), ", ".join(column.values)
    elif not problem.classes and not {column.minimum, column.maximum} <= {0, 1, None}:
        expected, received = "0 to 1", f"{column.minimum} to {column.maximum}"
    else:
        return
    raise InputError(
        f"problem.yaml: label: expected the domain of column '{column.name}' in schema.pbtxt to be {expected}. "
        f"Received: {received}"
    )


def _check_label_type(problem: Problem, column: Column) -> None:
    if problem.task is Task.REGRESSION:
        fits, expected = column.kind is not Kind.STRING, "a number"
    elif problem.classes:
        fits, expected = column.kind is Kind.STRING, "a string, since problem.yaml names classes"
    else:
        fits, expected = column.kind is Kind.INTEGER, "an integer, 0 or 1, since problem.yaml names no classes"
    if not fits:
        raise InputError(
            f"problem.yaml: label: expected column '{column.name}' to be {expected}. "
            f"Received: {column.kind} in schema.pbtxt{_hint_for_classes(problem, column)}"
        )


def _hint_for_classes(problem: Problem, column: Column) -> str:
    if not problem.classes or column.kind is not Kind.INTEGER:
        return ""
    binary = ", or leave classes out where it has 0 and 1 alone" if problem.task is Task.BINARY else ""
    return f". Write the classes' names into the column and its type as BYTES{binary}"
