"""A ModelEvaluation's metrics as plain numbers, from literal protos in TFMA's own file."""

import math
from pathlib import Path

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_model_analysis.proto import metrics_for_slice_pb2

from reports.artifacts.evaluation import load_slices, overall_metrics, slice_name, slice_rows, sliced_metrics
from reports.artifacts.intervals import Estimate

CARRIER = 'slice_key { single_slice_keys { column: "carrier" bytes_value: "UA" } }'
EMPTY = {"candidate": {}, "baseline": {}}


def metric(name: str, value: str, model: str = "", rest: str = "") -> str:
    """One metric of one model."""
    return f"""metric_keys_and_values {{
      key {{ name: "{name}" model_name: "{model}" {rest} }} value {{ double_value {{ value: {value} }} }}
    }}"""


def write(folder: Path, *slices: str) -> Path:
    """An evaluation's metrics, each slice as text."""
    with tf.io.TFRecordWriter(str(folder / "metrics-00000-of-00001.tfrecord")) as writer:
        for text in slices:
            entry = text_format.Parse(text, metrics_for_slice_pb2.MetricsForSlice())
            writer.write(entry.SerializeToString())
    return folder


def key(text: str) -> metrics_for_slice_pb2.SliceKey:
    """A slice's key from text."""
    return text_format.Parse(text, metrics_for_slice_pb2.SliceKey())


def test_a_first_model_is_the_candidate_and_has_no_baseline(tmp_path: Path) -> None:
    write(tmp_path, f"slice_key {{}} {metric('auc', '0.7')} {metric('example_count', '8')}")

    assert overall_metrics(tmp_path) == {"candidate": {"auc": 0.7, "example_count": 8.0}, "baseline": {}}


def test_candidate_and_baseline_are_told_apart_and_differences_left_out(tmp_path: Path) -> None:
    both = metric("auc", "0.7", "candidate") + metric("auc", "0.72", "baseline")
    write(tmp_path, f"slice_key {{}} {both} {metric('auc', '-0.02', 'candidate', 'is_diff: true')}")

    assert overall_metrics(tmp_path) == {"candidate": {"auc": 0.7}, "baseline": {"auc": 0.72}}


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_what_is_not_finite_is_nan(tmp_path: Path, value: str) -> None:
    write(tmp_path, f"slice_key {{}} {metric('auc', value)}")

    assert math.isnan(overall_metrics(tmp_path)["candidate"]["auc"])


def test_a_metric_that_is_no_single_number_is_left_out(tmp_path: Path) -> None:
    matrix = 'metric_keys_and_values { key { name: "matrix" } value { array_value { shape: 2 float64_values: 1 } } }'
    write(tmp_path, f"slice_key {{}} {metric('auc', '0.7')} {matrix}")

    assert overall_metrics(tmp_path)["candidate"] == {"auc": 0.7}


def test_slices_are_found_by_name_with_their_rows(tmp_path: Path) -> None:
    write(
        tmp_path,
        f"slice_key {{}} {metric('example_count', '8')}",
        f"{CARRIER} {metric('example_count', '6')} {metric('auc', '1.0')}",
        f'slice_key {{ single_slice_keys {{ column: "month" int64_value: 2 }} }} {metric("auc", "0.5")}',
    )

    assert slice_rows(tmp_path) == {"overall": 8, "carrier=UA": 6, "month=2": 0}
    assert sliced_metrics(tmp_path)["carrier=UA"]["candidate"] == {"example_count": 6.0, "auc": 1.0}


def test_an_evaluation_of_no_rows_has_no_metrics(tmp_path: Path) -> None:
    write(tmp_path)

    assert overall_metrics(tmp_path) == EMPTY
    assert slice_rows(tmp_path) == {}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "overall"),
        ('single_slice_keys { column: "carrier" bytes_value: "UA" }', "carrier=UA"),
        ('single_slice_keys { column: "month" int64_value: 0 }', "month=0"),
        ('single_slice_keys { column: "gust" float_value: 1.5 }', "gust=1.5"),
        ('single_slice_keys { column: "dest" bytes_value: "" }', "dest="),
        ('single_slice_keys { column: "dest" bytes_value: "\\303\\251" }', "dest=é"),
        ('single_slice_keys { column: "dest" bytes_value: "\\377" }', "dest=\ufffd"),
        (
            'single_slice_keys { column: "a" bytes_value: "UA" } single_slice_keys { column: "b" int64_value: 2 }',
            "a=UA, b=2",
        ),
    ],
)
def test_a_slice_is_named_by_its_features_and_values(text: str, name: str) -> None:
    assert slice_name(key(text)) == name


def test_an_interval_is_read_where_it_is_whole(tmp_path: Path) -> None:
    def bounded(name: str, value: str, low: str, high: str) -> str:
        interval = (
            f"lower_bound {{ double_value {{ value: {low} }} }} upper_bound {{ double_value {{ value: {high} }} }}"
        )
        return metric(name, value)[:-1] + f"confidence_interval {{ {interval} }} }}"

    entries = (
        bounded("auc", "0.7", "0.6", "0.8") + bounded("log_loss", "0.5", "nan", "nan") + metric("calibration", "1")
    )
    write(tmp_path, f"slice_key {{}} {entries} {bounded('pr_auc', 'nan', '0.1', '0.2')}")
    [whole] = load_slices(tmp_path)

    assert whole.estimate("auc") == Estimate(0.7, 0.6, 0.8)
    assert whole.estimate("log_loss") == Estimate(0.5)
    assert whole.estimate("calibration") == Estimate(1.0)
    assert whole.estimate("pr_auc").low is None
    assert math.isnan(whole.estimate("none").value)


def test_slices_stand_by_feature_and_by_the_size_of_numbers(tmp_path: Path) -> None:
    keys = ('month" int64_value: 10', 'month" int64_value: 9', 'carrier" bytes_value: "UA"')
    slices = [f'slice_key {{ single_slice_keys {{ column: "{key} }} }} {metric("auc", "1")}' for key in keys]
    write(tmp_path, *slices, f"slice_key {{}} {metric('auc', '1')}")

    assert [one.name for one in load_slices(tmp_path)] == ["overall", "carrier=UA", "month=9", "month=10"]


def test_the_change_stands_beside_both_models(tmp_path: Path) -> None:
    both = metric("auc", "0.7", "candidate") + metric("auc", "0.72", "baseline")
    write(tmp_path, f"slice_key {{}} {both} {metric('auc', '-0.02', 'candidate', 'is_diff: true')}")
    [whole] = load_slices(tmp_path)

    assert whole.estimate("auc", "change") == Estimate(-0.02)
    assert whole.estimate("auc", "baseline") == Estimate(0.72)
