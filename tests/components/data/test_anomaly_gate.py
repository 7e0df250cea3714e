"""The gate over what TFDV finds in literal rows, by way of ExampleValidator itself."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx.components.example_validator import executor
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import ExampleAnomalies, ExampleStatistics, Schema

from components.artifacts import Verdict
from components.data.anomaly_gate import (
    Anomaly,
    AnomalyGate,
    affected_rows,
    constant_label,
    describe,
    divide,
    unknown_labels,
)
from components.data.statistics_gen import STATISTICS_FILE, span_statistics
from schema.errors import AnomalyError

# Up to a fifth of the carriers may be new; an origin may not.
SCHEMA = """
feature {
  name: "carrier" type: BYTES presence { min_fraction: 1.0 min_count: 1 } value_count { min: 1 max: 1 }
  distribution_constraints { min_domain_mass: 0.8 }
  string_domain { value: "AA" value: "UA" }
}
feature {
  name: "origin" type: BYTES presence { min_fraction: 1.0 min_count: 1 } value_count { min: 1 max: 1 }
  domain: "airports"
}
feature {
  name: "hour" type: INT presence { min_fraction: 1.0 min_count: 1 } value_count { min: 1 max: 1 }
  int_domain { min: 0 max: 23 }
}
feature {
  name: "temp.f" type: FLOAT presence { min_fraction: 0.5 } value_count { min: 1 max: 1 }
  float_domain { min: -40 max: 120 disallow_nan: true }
}
feature {
  name: "late" type: INT presence { min_fraction: 1.0 min_count: 1 } value_count { min: 1 max: 1 }
  not_in_environment: "SERVING"
}
string_domain { name: "airports" value: "EWR" value: "JFK" }
default_environment: "TRAINING"
default_environment: "SERVING"
"""
GOOD = {"carrier": "AA", "origin": "JFK", "hour": 7, "temp.f": 39.0, "late": 0}
LATE = {**GOOD, "late": 1}

Rows = list[Mapping[str, Any]]
Judge = Callable[..., dict[str, list[str]]]


def without(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The row with a value missing."""
    return {key: value for key, value in row.items() if key != name}


@pytest.fixture
def judge(tmp_path: Path, write_rows: Callable[..., Path], artifact: Callable[..., Any]) -> Judge:
    """judge(rows of span 1, rows of span 2, ..., tolerate=[...]): what the gate reports, or the error it raises."""

    def run(*spans: Rows, tolerate: tuple[str, ...] = (), schema: str = SCHEMA) -> dict[str, list[str]]:
        artifacts = {
            "schema": artifact(Schema, tmp_path / "schema"),
            "statistics": artifact(ExampleStatistics, tmp_path / "statistics"),
            "anomalies": artifact(ExampleAnomalies, tmp_path / "anomalies"),
            "verdict": artifact(Verdict, tmp_path / "verdict"),
        }
        (tmp_path / "schema" / "schema.pbtxt").write_text(schema, encoding="utf-8")
        names = [f"span-{number:02d}" for number in range(1, len(spans) + 1)]
        for name, rows in zip(names, spans, strict=True):
            shard = write_rows(tmp_path / "rows" / f"{name}.gz", rows)
            found = span_statistics([shard], text_format.Parse(schema, schema_pb2.Schema()))
            folder = tmp_path / "statistics" / f"Split-{name}"
            folder.mkdir()
            (folder / STATISTICS_FILE).write_bytes(found.SerializeToString())
        artifacts["statistics"].split_names = artifact_utils.encode_split_names(names)
        executor.Executor().Do(
            {"statistics": [artifacts["statistics"]], "schema": [artifacts["schema"]]},
            {"anomalies": [artifacts["anomalies"]]},
            {"exclude_splits": "null"},
        )
        AnomalyGate.test_call(
            **artifacts, label="late", label_values="[0, 1]", tolerate=json.dumps(tolerate), fingerprint=""
        )
        return json.loads((tmp_path / "verdict" / "verdict.json").read_text(encoding="utf-8"))

    return run


def test_rows_that_fit_pass(judge: Judge) -> None:
    assert judge([GOOD, LATE], [LATE, GOOD]) == {"tolerated": [], "stopping": []}


def test_a_label_that_is_no_class_stops_the_run(judge: Judge) -> None:
    with pytest.raises(
        AnomalyError, match=r"late: LABEL_UNKNOWN in span-01.*Expected one of 0, 1; values run from 0 to 2"
    ):
        judge([GOOD, LATE, {**GOOD, "late": 2}])


def test_a_class_that_nobody_named_is_counted() -> None:
    buckets = [
        statistics_pb2.RankHistogram.Bucket(label=name, sample_count=rows) for name, rows in (("rye", 7), ("oat", 2))
    ]
    stats = statistics_pb2.FeatureNameStatistics(
        string_stats=statistics_pb2.StringStatistics(rank_histogram=statistics_pb2.RankHistogram(buckets=buckets))
    )
    found = list(unknown_labels({"Split-span-03": {"crop": stats}}, "crop", ["rye", "maize"]))
    assert [str(anomaly) for anomaly in found] == [
        "crop: LABEL_UNKNOWN in span-03, 2 rows. Expected one of rye, maize; received oat."
    ]
    assert list(unknown_labels({"Split-span-03": {"crop": stats}}, "crop", [])) == []


def test_the_message_names_feature_kind_span_and_rows(judge: Judge) -> None:
    with pytest.raises(AnomalyError) as stopped:
        judge([GOOD, LATE], [GOOD, {**LATE, "origin": "BOS"}, {**GOOD, "origin": "BOS"}, {**GOOD, "origin": "ORD"}])

    assert str(stopped.value).splitlines() == [
        "1 data anomaly:",
        "  origin: ENUM_TYPE_UNEXPECTED_STRING_VALUES in span-02, 3 rows. "
        "Examples contain values missing from the schema: BOS (~50%), ORD (~25%).",
        "Mend the data, widen schema.pbtxt, or list the feature under anomalies.tolerate.",
    ]
    assert stopped.value.exit_code == 3


@pytest.mark.parametrize(("new", "stops"), [(1, False), (2, True)])
def test_an_unknown_category_stops_only_beyond_its_bound(judge: Judge, new: int, stops: bool) -> None:
    # One in six is within the fifth that the schema allows, two in six are not.
    rows = [GOOD, LATE, GOOD, GOOD, *[{**GOOD, "carrier": "ZZ"}] * new, *[GOOD] * (2 - new)]

    if stops:
        with pytest.raises(AnomalyError, match=r"carrier: ENUM_TYPE_UNEXPECTED_STRING_VALUES in span-01, 2 rows"):
            judge(rows)
    else:
        assert judge(rows)["stopping"] == []


def test_more_new_categories_than_statistics_list_are_all_counted(judge: Judge) -> None:
    rows = [GOOD, LATE, *({**GOOD, "origin": f"X{number:04d}"} for number in range(1200))]

    with pytest.raises(AnomalyError, match=r"origin: ENUM_TYPE_UNEXPECTED_STRING_VALUES in span-01, 1,200 rows"):
        judge(rows)


def test_a_required_column_that_is_missing_stops(judge: Judge) -> None:
    with pytest.raises(AnomalyError, match=r"hour: FEATURE_TYPE_NOT_PRESENT in span-01, 2 rows\. .*not present"):
        judge([without(GOOD, "hour"), without(LATE, "hour")])


def test_a_required_column_that_has_gaps_stops(judge: Judge) -> None:
    with pytest.raises(AnomalyError, match=r"hour: FEATURE_TYPE_LOW_FRACTION_PRESENT in span-01, 1 row\. "):
        judge([GOOD, LATE, without(GOOD, "hour")])


@pytest.mark.parametrize(("gaps", "stops"), [(2, False), (3, True)])
def test_a_column_that_may_have_gaps_stops_only_beyond_its_bound(judge: Judge, gaps: int, stops: bool) -> None:
    rows = [*[without(GOOD, "temp.f")] * gaps, *[LATE] * (4 - gaps)]

    if stops:
        with pytest.raises(AnomalyError, match=r"temp\.f: FEATURE_TYPE_LOW_FRACTION_PRESENT in span-01, 3 rows"):
            judge(rows)
    else:
        assert judge(rows)["stopping"] == []


@pytest.mark.parametrize(
    ("feature", "values", "sentence"),
    [
        ("hour", [24, 99, 23], r"hour: INT_TYPE_BIG_INT in span-01, 2 rows\. Unexpectedly large value: 99\."),
        ("hour", [-1, 0, 23], r"hour: INT_TYPE_SMALL_INT in span-01, 1 row\. Unexpectedly small value: -1\."),
        ("temp.f", [121.0, 120.0, 999.5], r"temp\.f: FLOAT_TYPE_BIG_FLOAT in span-01, 2 rows\. .*999\.5>120"),
        ("temp.f", [-40.5, -40.0, 0.0], r"temp\.f: FLOAT_TYPE_SMALL_FLOAT in span-01, 1 row\. .*-40\.5<-40"),
        ("temp.f", [float("nan"), 1.0, 2.0], r"temp\.f: FLOAT_TYPE_HAS_NAN in span-01, 1 row\. "),
        ("carrier", [b"\xff", "AA", "UA"], r"carrier: ENUM_TYPE_INVALID_UTF8 in span-01, 1 row\. "),
    ],
)
def test_a_value_out_of_its_domain_stops_and_is_counted(
    judge: Judge, feature: str, values: list[Any], sentence: str
) -> None:
    with pytest.raises(AnomalyError, match=sentence):
        judge([GOOD, LATE, *({**GOOD, feature: value} for value in values)])


def test_both_ends_of_a_domain_are_two_anomalies(judge: Judge) -> None:
    with pytest.raises(AnomalyError, match=r"^2 data anomalies:\n(.*\n)*.*SMALL_INT in span-01, 1 row.*\n.*BIG_INT"):
        judge([GOOD, LATE, {**GOOD, "hour": -1}, {**GOOD, "hour": 24}, {**GOOD, "hour": 25}])


@pytest.mark.parametrize("label", [0, 1])
def test_a_label_with_one_value_in_all_spans_stops(judge: Judge, label: int) -> None:
    row = {**GOOD, "late": label}

    with pytest.raises(
        AnomalyError, match=rf"late: LABEL_CONSTANT in all spans, 3 rows\. The label is {label} in every row\."
    ):
        judge([row, row], [row])


def test_a_label_that_differs_between_spans_passes(judge: Judge) -> None:
    assert judge([GOOD, GOOD], [LATE])["stopping"] == []


def test_a_span_without_labels_does_not_hide_that_the_label_is_constant(judge: Judge) -> None:
    with pytest.raises(AnomalyError, match=r"late: LABEL_CONSTANT in all spans, 1 row\. The label is 1"):
        judge([LATE], [without(LATE, "late")], tolerate=("late:FEATURE_TYPE_NOT_PRESENT",))


def test_a_constant_label_that_is_a_string_stops(judge: Judge) -> None:
    schema = SCHEMA.replace('name: "late" type: INT', 'name: "late" type: BYTES')

    with pytest.raises(AnomalyError, match=r"late: LABEL_CONSTANT in all spans, 2 rows\. The label is on time in"):
        judge([{**GOOD, "late": "on time"}] * 2, schema=schema)


@pytest.mark.parametrize("entry", ["temp.f", "temp.f:FLOAT_TYPE_BIG_FLOAT"])
def test_what_is_tolerated_is_reported_and_let_pass(judge: Judge, entry: str) -> None:
    report = judge([GOOD, {**LATE, "temp.f": 130.0}], tolerate=(entry,))

    assert report["stopping"] == []
    assert len(report["tolerated"]) == 1
    assert report["tolerated"][0].startswith("temp.f: FLOAT_TYPE_BIG_FLOAT in span-01, 1 row. ")


def test_a_tolerated_kind_does_not_cover_another_of_the_same_feature(judge: Judge) -> None:
    with pytest.raises(AnomalyError) as stopped:
        judge([GOOD, LATE, {**GOOD, "hour": -1}, {**GOOD, "hour": 24}], tolerate=("hour:INT_TYPE_SMALL_INT",))

    assert "INT_TYPE_BIG_INT" in str(stopped.value)
    assert "INT_TYPE_SMALL_INT" not in str(stopped.value)


def test_the_report_of_a_stopped_run_lists_both(judge: Judge, tmp_path: Path) -> None:
    with pytest.raises(AnomalyError):
        judge([GOOD, {**LATE, "hour": 24, "origin": "BOS"}], tolerate=("hour",))

    report = json.loads((tmp_path / "verdict" / "verdict.json").read_text(encoding="utf-8"))
    assert [line.split(":")[0] for line in report["tolerated"]] == ["hour"]
    assert [line.split(":")[0] for line in report["stopping"]] == ["origin"]


def test_an_entry_that_matches_nothing_is_harmless(judge: Judge) -> None:
    unknown = ("no_such_feature", "hour:NO_SUCH_KIND", "")

    assert judge([GOOD, LATE], tolerate=unknown) == {"tolerated": [], "stopping": []}
    assert divide([Anomaly("hour", "INT_TYPE_BIG_INT", "span-01", 1, "")], ["no_such_feature", "hour:"])[0] == []


def test_a_span_that_is_too_small_as_a_whole_stops(judge: Judge) -> None:
    schema = SCHEMA + "dataset_constraints { min_examples_count: 3 }"

    with pytest.raises(AnomalyError, match=r"dataset: DATASET_LOW_NUM_EXAMPLES in span-01, 2 rows\. .*fewer"):
        judge([GOOD, LATE], schema=schema)


def test_a_span_without_rows_stops(judge: Judge) -> None:
    with pytest.raises(AnomalyError, match=r"dataset: NO_DATA_IN_SPAN in span-02, 0 rows\. The span holds no rows\."):
        judge([GOOD, LATE], [])


def test_many_anomalies_are_shown_in_part() -> None:
    lines = describe([Anomaly(f"f{n}", "INT_TYPE_BIG_INT", "span-01", None, "Big.") for n in range(12)]).splitlines()

    assert lines[0] == "12 data anomalies:"
    assert lines[1] == "  f0: INT_TYPE_BIG_INT in span-01, an unknown number of rows. Big."
    assert lines[10].startswith("  f9: ")
    assert lines[11] == "  and 2 more"


def test_statistics_made_elsewhere_tell_the_rows_as_far_as_they_list_the_values() -> None:
    listed = """string_stats {
      unique: 3
      rank_histogram { buckets { label: "AA" sample_count: 5 } buckets { label: "ZZ" sample_count: 2 } %s }
    }"""
    whole = listed % 'buckets { label: "YY" sample_count: 1 }'
    kind = "ENUM_TYPE_UNEXPECTED_STRING_VALUES"

    assert affected_rows(kind, statistics(whole), {"AA", "UA"}) == 3
    assert affected_rows(kind, statistics(listed % ""), {"AA", "UA"}) is None
    assert affected_rows("INT_TYPE_BIG_INT", statistics("num_stats { max: 24 }"), set()) is None


def test_large_labels_that_differ_in_the_last_digit_are_not_constant() -> None:
    label = "num_stats { common_stats { num_non_missing: 2 } min: 1000000 max: 1000001 }"

    assert constant_label({"Split-span-01": {"late": statistics(label)}}, "late") is None


def test_a_label_is_told_with_all_its_digits() -> None:
    constant = "num_stats { common_stats { num_non_missing: 2 } min: 20131231 max: 20131231 }"
    found = constant_label({"Split-span-01": {"late": statistics(constant)}}, "late")
    (unknown,) = unknown_labels({"Split-span-01": {"late": statistics(constant)}}, "late", [0, 1])

    assert found.description == "The label is 20131231 in every row."
    assert unknown.description == "Expected one of 0, 1; values run from 20131231 to 20131231."


def statistics(text: str) -> statistics_pb2.FeatureNameStatistics:
    """A feature's statistics from text."""
    return text_format.Parse(text, statistics_pb2.FeatureNameStatistics())
