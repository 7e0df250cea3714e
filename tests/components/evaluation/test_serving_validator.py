"""The serving check on tiny exported models: one that may be served, and each way of not being so."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types.standard_artifacts import Examples, Model, Schema

from components.artifacts import Verdict
from components.evaluation.serving_validator import ServingValidator, make_requests, some_rows, validate
from models.export.export import parse_rows
from models.export.raw_rows import Rows
from schema.bound import BoundProblem, bind
from schema.problem import Problem
from schema.rows import columns

SCHEMA_TEXT = """
feature { name: "carrier" type: BYTES }
feature { name: "hour" type: INT int_domain { min: 0 max: 23 } }
feature { name: "temp" type: FLOAT }
feature { name: "late" type: INT }
"""
SCHEMA = text_format.Parse(SCHEMA_TEXT, schema_pb2.Schema())
COLUMNS = columns(SCHEMA)
ROWS = [
    {"carrier": "AA", "hour": 5, "temp": 39.5, "late": 0},
    {"carrier": "UA", "hour": 23, "late": 1},
    {"hour": 0, "temp": -3.0, "late": 0},
]


@pytest.fixture(scope="module")
def bound() -> BoundProblem:
    """A problem with a feature of each encoding."""
    values = {
        "name": "tiny",
        "title": "Late?",
        "task": "binary",
        "label": "late",
        "data": {"path": ""},
        "features": {
            "carrier": {"encoding": "vocabulary"},
            "hour": {"encoding": "identity"},
            "temp": {"encoding": "quantiles"},
        },
    }
    return bind(Problem.from_mapping(values, "problem.yaml"), SCHEMA)


class Tiny(tf.Module):
    """A model with every signature; a subclass shows one fault."""

    def __init__(self, bound: BoundProblem) -> None:
        super().__init__()
        self.bound, self.weight = bound, tf.Variable(0.1)

    def score(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        """A probability [N] that no missing value spoils."""
        warm = tf.where(tf.math.is_nan(rows["temp"]), 0.0, rows["temp"])
        letters = tf.cast(tf.strings.length(rows["carrier"]), tf.float32)
        return tf.sigmoid(self.weight * tf.cast(rows["hour"], tf.float32) + 0.01 * warm - 0.1 * letters)

    def answer(self, rows: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """What both signatures give."""
        score = self.score(rows)
        return {"probability": score, "class": tf.cast(score >= 0.5, tf.int64)}

    def parse(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Columns of serialized examples."""
        return parse_rows(examples, self.bound, COLUMNS)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def serving_default(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answers to examples."""
        return self.answer(self.parse(examples))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def transform_features(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Encodes the hour alone."""
        return {"hour": self.parse(examples)["hour"]}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, "carrier"),
            tf.TensorSpec([None], tf.int64, "hour"),
            tf.TensorSpec([None], tf.float32, "temp"),
        ]
    )
    def predict_rows(self, carrier: tf.Tensor, hour: tf.Tensor, temp: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answers to columns."""
        return self.by_rows({"carrier": carrier, "hour": hour, "temp": temp})

    def by_rows(self, rows: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """As serving_default; where a subclass departs from it."""
        return self.answer(rows)

    def signatures(self) -> dict[str, Any]:
        """The table that is exported."""
        names = ("serving_default", "transform_features", "predict_rows")
        return {name: getattr(self, name) for name in names}


class Disagreeing(Tiny):
    """Its rows are scored a little higher than its examples."""

    def by_rows(self, rows: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        answer = self.answer(rows)
        return {**answer, "probability": answer["probability"] + 0.001}


class Spoilt(Tiny):
    """Gives NaN where the temperature is missing: in one row, in the empty request and in that of unseen values."""

    def score(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        return tf.sigmoid(self.weight * tf.cast(rows["hour"], tf.float32) + rows["temp"])


class Failing(Tiny):
    """Refuses an hour below its domain, which is how a missing hour is written."""

    def score(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        with tf.control_dependencies([tf.debugging.assert_greater(rows["hour"], tf.constant(-1, tf.int64), "no hour")]):
            return tf.identity(super().score(rows))


class OtherOutputs(Tiny):
    """Gives rows no class."""

    def by_rows(self, rows: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {"probability": self.answer(rows)["probability"]}


class OtherShape(Tiny):
    """Gives rows their scores as a column, which broadcasts against the flat ones and, all alike, equals them."""

    def score(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        return tf.sigmoid(self.weight * tf.ones_like(rows["temp"]))

    def by_rows(self, rows: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        answer = self.answer(rows)
        return {**answer, "probability": answer["probability"][:, tf.newaxis]}


class WithoutRows(Tiny):
    """Exports no predict_rows."""

    def signatures(self) -> dict[str, Any]:
        return {name: found for name, found in super().signatures().items() if name != "predict_rows"}


class OtherInputs(Tiny):
    """Its predict_rows takes one column, and another one."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "pressure")])
    def predict_rows(self, pressure: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probability": self.weight * pressure}


class OfKeras3(Tiny):
    """Its variables are Keras 3's, which a Session does not find."""

    def __init__(self, bound: BoundProblem) -> None:
        super().__init__(bound)
        self.layer = keras.layers.Dense(1)
        self.layer.build((None, 1))

    def score(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        return tf.sigmoid(self.layer(tf.cast(rows["hour"], tf.float32)[:, tf.newaxis])[:, 0])


@pytest.fixture(scope="module")
def rows(bound: BoundProblem, write_rows: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """The rows as the node reads them."""
    folder = tmp_path_factory.mktemp("rows")
    write_rows(folder / "span-01.gz", ROWS)
    return some_rows(folder, bound, COLUMNS)


@pytest.fixture
def judge(bound: BoundProblem, rows: Rows, tmp_path: Path) -> Callable[[type[Tiny]], list[str]]:
    """judge(class): reasons against serving the exported model."""

    def run(kind: type[Tiny]) -> list[str]:
        model = kind(bound)
        tf.saved_model.save(model, str(tmp_path / "model"), signatures=model.signatures())
        return validate(tmp_path / "model", rows, bound)

    return run


def test_a_model_that_answers_alike_in_every_way_may_be_served(judge: Callable[..., list[str]]) -> None:
    assert judge(Tiny) == []


def test_signatures_that_disagree_are_refused(judge: Callable[..., list[str]]) -> None:
    sentence = "serving_default and predict_rows disagree in 'probability' on the same rows"

    assert judge(Disagreeing) == [f"tf.saved_model.load: {sentence}", f"a tf.compat.v1 Session: {sentence}"]


def test_answers_that_are_no_number_are_refused_and_counted(judge: Callable[..., list[str]]) -> None:
    # Three rows, one of them without a temperature, and the two requests of missing and unseen values.
    sentence = "'probability' is not finite in 3 of 5 answers"

    assert judge(Spoilt) == [f"tf.saved_model.load: {sentence}", f"a tf.compat.v1 Session: {sentence}"]


def test_a_model_that_fails_on_a_missing_value_is_refused(judge: Callable[..., list[str]]) -> None:
    reasons = judge(Failing)

    cause = "does not serve it: InvalidArgumentError: assertion failed: [no hour]"
    assert len(reasons) == 2
    assert reasons[0].startswith(f"tf.saved_model.load {cause}")
    assert reasons[1].startswith(f"a tf.compat.v1 Session {cause}")
    assert max(map(len, reasons)) < 300


def test_variables_that_a_session_cannot_find_are_refused(judge: Callable[..., list[str]]) -> None:
    (reason,) = judge(OfKeras3)

    assert reason.startswith(
        "a tf.compat.v1 Session does not serve it: FailedPreconditionError: Could not find variable"
    )


def test_a_signature_that_is_not_there_is_named(judge: Callable[..., list[str]]) -> None:
    assert judge(WithoutRows) == [
        "tf.saved_model.load does not serve it: ValueError: no signature 'predict_rows'",
        "a tf.compat.v1 Session does not serve it: ValueError: no signature 'predict_rows'",
    ]


def test_other_inputs_than_the_problem_s_features_are_named(judge: Callable[..., list[str]]) -> None:
    sentence = "signature 'predict_rows' takes ['pressure']. Expected: ['carrier', 'hour', 'temp']"

    assert judge(OtherInputs) == [
        f"tf.saved_model.load does not serve it: ValueError: {sentence}",
        f"a tf.compat.v1 Session does not serve it: ValueError: {sentence}",
    ]


def test_other_outputs_are_named(judge: Callable[..., list[str]]) -> None:
    sentence = "serving_default answers ['class', 'probability'] and predict_rows ['probability']"

    assert judge(OtherOutputs) == [f"tf.saved_model.load: {sentence}", f"a tf.compat.v1 Session: {sentence}"]


def test_another_shape_is_a_disagreement(judge: Callable[..., list[str]]) -> None:
    sentence = "serving_default and predict_rows disagree in 'probability' on the same rows"

    assert judge(OtherShape) == [f"tf.saved_model.load: {sentence}", f"a tf.compat.v1 Session: {sentence}"]


def test_a_folder_that_holds_no_model_is_refused(bound: BoundProblem, rows: Rows, tmp_path: Path) -> None:
    first, second = validate(tmp_path / "nothing", rows, bound)

    assert first.startswith("tf.saved_model.load does not serve it: OSError: ")
    assert "nothing" in second


def test_requests_hold_the_rows_then_missing_then_unseen_values(bound: BoundProblem, rows: Rows) -> None:
    requests = make_requests(rows, bound)
    table = requests["predict_rows"]

    assert table["carrier"].tolist() == [b"AA", b"UA", b"", b"", "é never seen".encode()]
    assert table["hour"].tolist() == [5, 23, 0, -1, -1]
    np.testing.assert_array_equal(table["temp"], np.array([39.5, np.nan, -3.0, np.nan, np.nan], np.float32))
    parsed = parse_rows(tf.constant(requests["serving_default"]["examples"]), bound, COLUMNS)
    for name, column in table.items():
        np.testing.assert_array_equal(parsed[name].numpy(), column)


@pytest.fixture
def node(
    bound: BoundProblem, tmp_path: Path, artifact: Callable[..., Any], write_rows: Callable[..., Path]
) -> Callable[..., dict[str, Any]]:
    """node({shard: rows}): the verdict that the node writes of a good model."""
    model = Tiny(bound)
    tf.saved_model.save(model, str(tmp_path / "model" / "Format-Serving"), signatures=model.signatures())

    def run(shards: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
        for name, content in shards.items():
            write_rows(tmp_path / "examples" / "Split-test" / name, content)
        schema = artifact(Schema, tmp_path / "schema")
        (tmp_path / "schema" / "schema.pbtxt").write_text(SCHEMA_TEXT, encoding="utf-8")
        ServingValidator.test_call(
            model=artifact(Model, tmp_path / "model"),
            examples=artifact(Examples, tmp_path / "examples"),
            schema=schema,
            verdict=artifact(Verdict, tmp_path / "verdict"),
            bound=bound.model_dump_json(),
            fingerprint="",
        )
        return json.loads((tmp_path / "verdict" / "verdict.json").read_text(encoding="utf-8"))

    return run


def test_the_verdict_says_that_the_model_passed(node: Callable[..., dict[str, Any]]) -> None:
    assert node({"span-01.gz": ROWS}) == {"passed": True, "reasons": [], "rows": 3}


def test_a_span_without_test_rows_is_passed_over(node: Callable[..., dict[str, Any]]) -> None:
    assert node({"span-01.gz": [], "span-02.gz": ROWS[:2]}) == {"passed": True, "reasons": [], "rows": 2}


def test_at_most_sixty_four_rows_are_asked(node: Callable[..., dict[str, Any]]) -> None:
    assert node({"span-01.gz": ROWS * 30}) == {"passed": True, "reasons": [], "rows": 64}


def test_without_a_test_row_the_model_does_not_pass(node: Callable[..., dict[str, Any]]) -> None:
    assert node({"span-01.gz": []}) == {
        "passed": False,
        "reasons": ["the test split holds no row to ask with"],
        "rows": 0,
    }
