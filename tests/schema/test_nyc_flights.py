"""The sample problem: its two files agree with each other and with what the problem needs."""

from pathlib import Path

import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

from ingestion.nyc_flights import COLUMNS
from schema.bound import bind
from schema.metrics import metrics_of
from schema.problem import Encoding, Problem, problem_folder, read_problem
from schema.rows import SERVING, TRAINING, columns, read_schema

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def problem() -> Problem:
    """The sample problem."""
    return read_problem(problem_folder("nyc_flights", ROOT))


@pytest.fixture(scope="module")
def schema() -> schema_pb2.Schema:
    """Its schema."""
    return read_schema(ROOT / "schema" / "nyc_flights" / "schema.pbtxt")


def test_the_two_files_agree(problem: Problem, schema: schema_pb2.Schema) -> None:
    assert bind(problem, schema).domains == {"month": (1, 12), "day_of_week": (1, 7), "dep_hour": (0, 23)}


def test_every_column_has_one_use(problem: Problem, schema: schema_pb2.Schema) -> None:
    assert sorted(columns(schema)) == sorted([*problem.features, problem.label, problem.split.key])


def test_the_schema_has_the_columns_that_the_builder_writes(schema: schema_pb2.Schema) -> None:
    assert tuple(columns(schema)) == COLUMNS


def test_only_label_and_split_key_are_not_sent_to_a_server(problem: Problem, schema: schema_pb2.Schema) -> None:
    withheld = {feature.name for feature in schema.feature if SERVING in feature.not_in_environment}

    assert withheld == {problem.label, problem.split.key}
    assert list(schema.default_environment) == [TRAINING, SERVING]


def test_every_column_has_one_value_where_it_has_any(schema: schema_pb2.Schema) -> None:
    assert {(f.value_count.min, f.value_count.max) for f in schema.feature} == {(1, 1)}
    assert {f.presence.min_count for f in schema.feature} == {1}


def test_what_a_schedule_always_says_must_be_there(schema: schema_pb2.Schema) -> None:
    required = {feature.name for feature in schema.feature if feature.presence.min_fraction == 1}

    assert required == {
        *["date", "month", "day_of_week", "carrier", "origin", "dest", "dep_hour", "dep_minute_of_day"],
        *["arr_minute_of_day", "scheduled_minutes", "distance_miles", "late"],
    }


def test_every_number_has_a_range(schema: schema_pb2.Schema) -> None:
    for feature in schema.feature:
        expected = {schema_pb2.INT: "int_domain", schema_pb2.FLOAT: "float_domain"}.get(feature.type)
        assert feature.WhichOneof("domain_info") in (expected, "string_domain" if expected is None else expected)


def test_airports_are_closed_a_new_airline_is_tolerated_and_destinations_are_open(schema: schema_pb2.Schema) -> None:
    by_name = {feature.name: feature for feature in schema.feature}

    assert list(by_name["origin"].string_domain.value) == ["EWR", "JFK", "LGA"]
    assert not by_name["origin"].HasField("distribution_constraints")
    assert len(by_name["carrier"].string_domain.value) == 16
    assert by_name["carrier"].distribution_constraints.min_domain_mass == 0.99
    assert by_name["dest"].WhichOneof("domain_info") is None


def test_strings_are_looked_up_and_no_number_is(problem: Problem, schema: schema_pb2.Schema) -> None:
    strings = {feature.name for feature in schema.feature if feature.type == schema_pb2.BYTES}

    assert set(problem.of(Encoding.VOCABULARY)) == strings - {problem.split.key}


def test_metrics_with_a_bound_are_measured(problem: Problem) -> None:
    evaluation = problem.evaluation
    measured = set(evaluation.metrics or metrics_of(problem.task))

    assert measured <= set(metrics_of(problem.task))
    assert {*evaluation.bounds, *evaluation.changes, *evaluation.slice_bounds} <= measured


def test_whole_days_are_held_out(problem: Problem) -> None:
    assert (problem.split.key, problem.split.train, problem.split.eval, problem.split.test) == ("date", 7, 1, 2)


def test_the_builder_can_be_found(problem: Problem) -> None:
    assert problem.data.builder == "ingestion.nyc_flights"
