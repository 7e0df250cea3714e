"""Curves from TFMA's own plots, by numbers worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_model_analysis.proto import metrics_for_slice_pb2

from reports.artifacts.curves import load_curves
from tests.reports.evaluations import decisions

MATRICES = """confusion_matrix_at_thresholds {
  matrices { threshold: 0.0 true_positives: 3 false_positives: 5 true_negatives: 0 false_negatives: 0 }
  matrices { threshold: 0.4 true_positives: 2 false_positives: 1 true_negatives: 4 false_negatives: 1 }
  matrices { threshold: 1.0 true_positives: 0 false_positives: 0 true_negatives: 5 false_negatives: 3 }
}"""


def bucket(label: float, predicted: float, rows: float) -> str:
    """One of TFMA's buckets of the calibration."""
    return f"""buckets {{ total_weighted_label {{ value: {label} }} num_weighted_examples {{ value: {rows} }}
      total_weighted_refined_prediction {{ value: {predicted} }} }}"""


def write(folder: Path, plots: str, key: str = "") -> Path:
    """An evaluation with plots of one slice."""
    text = f"slice_key {{ {key} }} plot_keys_and_values {{ key {{ model_name: 'candidate' }} value {{ {plots} }} }}"
    with tf.io.TFRecordWriter(str(folder / "plots-00000-of-00001.tfrecord")) as writer:
        writer.write(text_format.Parse(text, metrics_for_slice_pb2.PlotsForSlice()).SerializeToString())
    return folder


def test_roc_and_precision_are_shares_of_the_rows(tmp_path: Path) -> None:
    found = load_curves(write(tmp_path, MATRICES))["overall"]["candidate"].decisions
    assert found is not None
    false_rate, true_rate = found.roc()
    recall, precision = found.precision_recall()

    np.testing.assert_allclose(false_rate, [1, 1 / 5, 0])
    np.testing.assert_allclose(true_rate, [1, 2 / 3, 0])
    # At the threshold that no row reaches there is no precision.
    np.testing.assert_allclose(recall, [1, 2 / 3])
    np.testing.assert_allclose(precision, [3 / 8, 2 / 3])
    assert found.at(0.5) == 1


def test_calibration_is_the_mean_of_the_buckets_that_have_rows(tmp_path: Path) -> None:
    # The first and the last lie outside 0 to 1.
    buckets = [bucket(0, 0, 0), bucket(1, 0.5, 4), bucket(0, 0, 0), bucket(3, 2.4, 3), bucket(0, 0, 0)]
    plots = f"calibration_histogram_buckets {{ {' '.join(buckets)} }}"
    found = load_curves(write(tmp_path, plots, 'single_slice_keys { column: "a" int64_value: 2 }'))
    calibration = found["a=2"]["candidate"].calibration
    assert calibration is not None

    np.testing.assert_allclose(calibration.predicted, [0.125, 0.8])
    np.testing.assert_allclose(calibration.observed, [0.25, 1.0])
    np.testing.assert_allclose(calibration.rows, [4, 3])


def test_classes_are_counted_by_true_and_predicted(tmp_path: Path) -> None:
    entries = "".join(
        f"entries {{ actual_class_id: {true} predicted_class_id: {guess} num_weighted_examples: {rows} }}"
        for true, guess, rows in ((0, 0, 5), (0, 1, 2), (1, 1, 4), (1, -1, 9))
    )
    plots = f"multi_class_confusion_matrix_at_thresholds {{ matrices {{ threshold: 0.5 {entries} }} }}"
    confusion = load_curves(write(tmp_path, plots))["overall"]["candidate"].confusion
    assert confusion is not None

    np.testing.assert_array_equal(confusion.rows, [[5, 2], [0, 4]])


def test_what_a_task_has_not_is_none(tmp_path: Path) -> None:
    found = load_curves(write(tmp_path, MATRICES))["overall"]["candidate"]

    assert found.calibration is None
    assert found.confusion is None


@pytest.mark.parametrize(("positives", "negatives", "one_class"), [(3, 5, False), (0, 5, True), (3, 0, True)])
def test_rows_of_one_label_have_no_auc(positives: float, negatives: float, one_class: bool) -> None:
    assert decisions(positives, negatives).one_class is one_class
