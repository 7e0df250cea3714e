"""A problem against its schema: what does not agree is named by the key of problem.yaml."""

import math
from typing import Any

import pytest
from google.protobuf import text_format
from pydantic import ValidationError
from tensorflow_metadata.proto.v0 import schema_pb2

from schema.bound import BoundProblem, bind, dense_kind
from schema.errors import InputError
from schema.problem import Encoding, Problem
from schema.rows import Kind

SCHEMA = """
feature { name: "farm" type: INT }
feature { name: "soil" type: BYTES }
feature { name: "week" type: INT int_domain { min: 8 max: 20 } }
feature { name: "rain" type: FLOAT }
feature { name: "trees" type: INT }
feature { name: "fertile" type: INT }
feature { name: "crop" type: BYTES }
feature { name: "yield" type: FLOAT }
"""
PROBLEM: dict[str, Any] = {
    "name": "fields",
    "title": "Is this field fertile?",
    "task": "binary",
    "label": "fertile",
    "data": {"path": "data/fields"},
    "split": {"key": "farm"},
    "features": {
        "soil": {"encoding": "vocabulary"},
        "week": {"encoding": "identity"},
        "rain": {"encoding": "quantiles"},
        "trees": {"encoding": "quantiles"},
    },
    "evaluation": {"slices": [["soil"], ["soil", "week"]], "bounds": {"auc": 0.7}},
}
CLASSES = {"task": "multiclass", "label": "crop", "classes": ["rye", "oats"], "evaluation": {}}


def bound(schema: str = SCHEMA, **changes: Any) -> BoundProblem:
    """The problem, with changes at its top, bound to the schema."""
    problem = Problem.from_mapping({**PROBLEM, **changes}, "problem.yaml")
    return bind(problem, text_format.Parse(schema, schema_pb2.Schema()))


def told(schema: str = SCHEMA, **changes: Any) -> str:
    """The message with which they are refused."""
    with pytest.raises(InputError) as caught:
        bound(schema, **changes)
    return str(caught.value)


def test_identity_features_bring_their_domain() -> None:
    assert bound().domains == {"week": (8, 20)}


def test_a_bound_problem_survives_json() -> None:
    assert BoundProblem.model_validate_json(bound().model_dump_json()) == bound()


def test_a_dense_row_has_one_type_an_encoding() -> None:
    found = bound()

    assert {name: found.dense_kind(name) for name in found.problem.features} == {
        "soil": Kind.STRING,
        "week": Kind.INTEGER,
        "rain": Kind.NUMBER,
        "trees": Kind.NUMBER,  # an integer in the file
    }
    assert {dense_kind(encoding) for encoding in Encoding} == set(Kind)


def test_what_stands_for_a_missing_value_is_no_value_of_the_column() -> None:
    found = bound()

    assert found.missing_value("soil") == b""
    assert found.missing_value("week") == 7  # one below the domain
    assert math.isnan(float(found.missing_value("trees")))


@pytest.mark.parametrize(("low", "high"), [(3_000_000_000, 3_000_000_200), (0, 2**31 - 1), (-(2**31), 0)])
def test_a_domain_past_32_bits_is_refused(low: int, high: int) -> None:
    schema = SCHEMA.replace("min: 8 max: 20", f"min: {low} max: {high}")
    assert "features.week: encoding 'identity' expects an int_domain within 32 bits" in told(schema)
    assert f"Received: min {low}, max {high}" in told(schema)


def test_what_the_file_that_learns_takes_is_no_feature() -> None:
    schema = SCHEMA.replace('"rain"', '"learning_rate"')
    features = {"soil": {"encoding": "vocabulary"}, "learning_rate": {"encoding": "quantiles"}}
    evaluation = {"slices": [["soil"]]}

    assert bound(schema, features=features, evaluation=evaluation).problem.device.trainable is False
    said = told(schema, features=features, evaluation=evaluation, device={"trainable": True})
    assert said.startswith("problem.yaml: device.trainable: expected no feature 'learning_rate'")
    assert "Received: features.learning_rate" in said


def test_an_identity_feature_without_a_domain_is_no_bound_problem() -> None:
    with pytest.raises(ValidationError, match=r"identity features without a domain: \['week'\]"):
        BoundProblem(problem=bound().problem, domains={})


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"features": {"sol": {"encoding": "vocabulary"}}},
            "features.sol: no column 'sol' in schema.pbtxt. Did you mean 'soil'?",
        ),
        ({"label": "fertil"}, "label: no column 'fertil' in schema.pbtxt. Did you mean 'fertile'?"),
        ({"split": {"key": "frm"}}, "split.key: no column 'frm' in schema.pbtxt. Did you mean 'farm'?"),
        (
            {"evaluation": {"slices": [["soil"], ["week", "sol"]]}},
            "evaluation.slices: no column 'sol' in schema.pbtxt. Did you mean 'soil'?",
        ),
    ],
)
def test_a_column_that_is_not_in_the_schema_is_named(changes: dict[str, Any], fault: str) -> None:
    assert told(**changes) == f"problem.yaml: {fault}"


@pytest.mark.parametrize(
    ("feature", "encoding", "expected", "received"),
    [
        ("rain", "vocabulary", "string", "number"),
        ("week", "vocabulary", "string", "integer"),
        ("rain", "identity", "integer", "number"),
        ("soil", "identity", "integer", "string"),
        ("soil", "quantiles", "integer or number", "string"),
    ],
)
def test_an_encoding_that_does_not_take_the_columns_type_is_refused(
    feature: str, encoding: str, expected: str, received: str
) -> None:
    assert told(features={feature: {"encoding": encoding}}, evaluation={}) == (
        f"problem.yaml: features.{feature}: encoding '{encoding}' takes a column of type {expected}. "
        f"Received: {received} in schema.pbtxt"
    )


@pytest.mark.parametrize("domain", ["", "int_domain {}", "int_domain { min: 8 }", "int_domain { max: 20 }"])
def test_identity_needs_both_ends_of_a_domain(domain: str) -> None:
    schema = SCHEMA.replace("int_domain { min: 8 max: 20 }", domain)

    assert told(schema) == (
        "problem.yaml: features.week: encoding 'identity' needs an int_domain with min and max in schema.pbtxt, such "
        "as `int_domain { min: 0 max: 9 }` in the feature 'week' with the column's own ends"
    )


def test_a_domain_that_ends_before_it_begins_is_refused() -> None:
    assert told(SCHEMA.replace("min: 8", "min: 21")) == (
        "problem.yaml: features.week: expected an int_domain with min <= max in schema.pbtxt. Received: min 21, max 20"
    )


def test_a_domain_of_zero_is_a_domain() -> None:
    assert bound(SCHEMA.replace("min: 8 max: 20", "min: 0 max: 0")).domains == {"week": (0, 0)}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"task": "binary", "label": "crop", "classes": ["rye", "oats"]},
        CLASSES,
        {"task": "regression", "label": "yield", "evaluation": {}},
        {"task": "regression", "label": "fertile", "evaluation": {}},
    ],
)
def test_a_label_that_fits_its_task_is_taken(changes: dict[str, Any]) -> None:
    assert bound(**changes).problem.label == changes.get("label", "fertile")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"label": "crop"},
            "expected column 'crop' to be an integer, 0 or 1, since problem.yaml names no classes. Received: string",
        ),
        (
            {"label": "yield"},
            "expected column 'yield' to be an integer, 0 or 1, since problem.yaml names no classes. Received: number",
        ),
        (
            {**CLASSES, "label": "fertile"},
            "expected column 'fertile' to be a string, since problem.yaml names classes. Received: integer",
        ),
        (
            {"task": "regression", "label": "crop", "evaluation": {}},
            "expected column 'crop' to be a number. Received: string",
        ),
    ],
)
def test_a_label_that_does_not_fit_its_task_is_refused(changes: dict[str, Any], fault: str) -> None:
    hint = ". Write the classes' names into the column and its type as BYTES" if fault.endswith("integer") else ""
    assert told(**changes) == f"problem.yaml: label: {fault} in schema.pbtxt{hint}"


@pytest.mark.parametrize("key", ["farm", "soil", None])
def test_rows_split_by_strings_by_integers_or_by_themselves(key: str | None) -> None:
    assert bound(split={"key": key}).problem.split.key == key


def test_rows_do_not_split_by_a_decimal() -> None:
    assert told(split={"key": "rain"}) == (
        "problem.yaml: split.key: expected column 'rain' to be a string or an integer. Received: number in schema.pbtxt"
    )


@pytest.mark.parametrize(
    ("evaluation", "fault"),
    [
        ({"metrics": ["auc", "acu"]}, "evaluation.metrics: unknown metric 'acu'. Did you mean 'auc'?"),
        ({"bounds": {"acu": 0.7}}, "evaluation.bounds: 'acu' is not measured. Did you mean 'auc'?"),
        ({"changes": {"acu": 0.1}}, "evaluation.changes: 'acu' is not measured. Did you mean 'auc'?"),
        ({"slice_bounds": {"acu": 0.1}}, "evaluation.slice_bounds: 'acu' is not measured. Did you mean 'auc'?"),
    ],
)
def test_a_metric_that_the_task_does_not_have_is_refused(evaluation: dict[str, Any], fault: str) -> None:
    assert told(evaluation=evaluation) == f"problem.yaml: {fault}"


def test_a_fault_of_the_schema_is_told_first() -> None:
    assert told(SCHEMA + 'feature { name: "soil" type: BYTES }') == "schema.pbtxt: feature 'soil' is given twice"


def test_all_that_does_not_agree_is_told_at_once() -> None:
    lines = told(
        SCHEMA.replace("int_domain { min: 8 max: 20 }", ""),
        features={
            "soil": {"encoding": "quantiles"},
            "week": {"encoding": "identity"},
            "trees": {"encoding": "identity"},
            "wood": {"encoding": "vocabulary"},
            "Lot #": {"encoding": "vocabulary"},
            "2nd": {"encoding": "vocabulary"},
        },
        classes=["no", "yes"],
        evaluation={"slices": [["sand"]], "bounds": {"auk": 0.7}},
    ).splitlines()
    begins = [
        "problem.yaml: columns 'Lot #', '2nd': expected ASCII letters",
        "problem.yaml: features.soil: encoding 'quantiles' takes a column of type integer or number. Received: string",
        "problem.yaml: features.week: encoding 'identity' needs an int_domain",
        "problem.yaml: features.trees: encoding 'identity' needs an int_domain",
        "problem.yaml: features.wood: no column 'wood'",
        "problem.yaml: features.Lot #: no column 'Lot #'",
        "problem.yaml: features.2nd: no column '2nd'",
        "problem.yaml: label: expected column 'fertile' to be a string, since problem.yaml names classes. ",
        "problem.yaml: evaluation.slices: no column 'sand'",
        "problem.yaml: evaluation.bounds: 'auk' is not measured.",
    ]
    assert [line[: len(begin)] for line, begin in zip(lines, begins, strict=True)] == begins
    assert lines[0].endswith("in schema.pbtxt, such as 'Lot #' to lot, '2nd' to column_2nd.")
    assert lines[7].endswith("type as BYTES, or leave classes out where it has 0 and 1 alone")
