"""Vector forms against TFMA's own combiners, row by row, and what they refuse."""

import json
import math
import warnings
from typing import Any

import numpy as np
import pytest
from tensorflow_model_analysis.metrics import metric_specs, metric_types
from tensorflow_model_analysis.proto import config_pb2

from evaluation.registry import vector_form
from evaluation.totals import merge, total
from evaluation.vector_form import Scored, VectorForm
from schema.errors import InputError


def forms(class_name: str, **options: Any) -> list[VectorForm]:
    spec = config_pb2.MetricsSpec(
        metrics=[config_pb2.MetricConfig(class_name=class_name, config=json.dumps(options))], model_names=[""]
    )
    config = config_pb2.EvalConfig(model_specs=[config_pb2.ModelSpec(label_key="y")], metrics_specs=[spec])
    found = metric_specs.to_computations([spec], eval_config=config)
    return [vector_form(item) for item in found if isinstance(item, metric_types.MetricComputation)]


def scored(labels: Any, predictions: Any) -> Scored:
    answers = np.asarray(predictions, np.float32)
    return Scored("candidate", np.asarray(labels), answers.reshape(len(answers), -1))


def in_vectors(form: VectorForm, rows: Scored) -> Any:
    cells = form.cells(rows)
    (value,) = form.output(total(cells.cell, cells.values)).values()
    return value


def row_by_row(form: VectorForm, rows: Scored) -> Any:
    combiner = form.combiner
    if hasattr(combiner, "setup"):
        combiner.setup()
    accumulator = combiner.create_accumulator()
    for label, prediction in zip(rows.labels, rows.predictions, strict=True):
        inputs = metric_types.StandardMetricInputs(labels=np.array([label]), predictions=prediction)
        accumulator = combiner.add_input(accumulator, inputs)
    (value,) = combiner.extract_output(accumulator).values()
    return value


@pytest.mark.parametrize("metric", ["AUC", "BinaryCrossEntropy", "Calibration"])
@pytest.mark.parametrize("labels", [np.array([1, 0, 1, 0]), np.array([0.25, 1.0, 0.5, 0.0], np.float32)])
def test_binary_forms_give_what_the_combiner_gives_of_whole_and_of_fractional_labels(
    metric: str, labels: np.ndarray
) -> None:
    rows = scored(labels, [0.7, 0.7, 0.99995, 1e-9])
    (form,) = forms(metric)

    ours, theirs = in_vectors(form, rows), row_by_row(form, rows)

    assert numbers_of(ours) == pytest.approx(numbers_of(theirs), rel=1e-6)


def test_decisions_give_what_the_combiner_gives_on_and_beside_the_threshold() -> None:
    rows = scored([1, 0, 1, 0, 1], [0.5, 0.5, 0.50000006, 0.49999997, 0.9])
    (form,) = forms("BinaryAccuracy", threshold=0.5)

    ours, theirs = in_vectors(form, rows), row_by_row(form, rows)

    assert ours[0.5].matrix == theirs[0.5].matrix
    assert tuple(ours[0.5].matrix) == (2.0, 2.0, 0.0, 1.0)


@pytest.mark.parametrize("metric", ["MeanAbsoluteError", "MeanSquaredError", "MeanPrediction"])
@pytest.mark.parametrize("odd", [3.5, 3e18, -3e18, 1e-30])
def test_regression_forms_give_what_the_combiner_gives_of_any_number(metric: str, odd: float) -> None:
    rows = scored(np.array([1.0, 2.0, 4.0], np.float32), [1.5, odd, 3.0])
    (form,) = forms(metric)

    ours, theirs = in_vectors(form, rows), row_by_row(form, rows)

    assert numbers_of(ours) == pytest.approx(numbers_of(theirs), rel=1e-6)


@pytest.mark.parametrize("metric", ["MeanAbsoluteError", "MeanSquaredError"])
def test_a_row_without_an_error_is_no_row_less_in_the_mean(metric: str) -> None:
    (form,) = forms(metric)
    rows = scored(np.array([1.0, 2.0], np.float32), [1.5, np.nan])

    assert np.isnan(in_vectors(form, rows))
    assert row_by_row(form, rows) in (0.5, 0.25)


@pytest.mark.parametrize(
    ("label", "probability", "loss"),
    [(1, 1.0, 1e-7), (0, 0.0, 1e-7), (1, 0.0, -math.log(1e-7)), (0, 1.0, -math.log(1e-7)), (1, 1e-30, -math.log(1e-7))],
)
def test_a_wholly_confident_answer_has_a_log_loss(label: int, probability: float, loss: float) -> None:
    (form,) = forms("BinaryCrossEntropy")

    assert in_vectors(form, scored([label], [probability])) == pytest.approx(loss, rel=1e-6)


def test_one_wholly_confident_answer_among_many_changes_their_log_loss_by_its_share() -> None:
    (form,) = forms("BinaryCrossEntropy")
    rows = scored([1, 0, 1, 1], [0.5, 0.5, 0.5, 1.0])

    with np.errstate(all="ignore"):
        assert np.isnan(row_by_row(form, rows))
    assert in_vectors(form, rows) == pytest.approx(0.75 * math.log(2), rel=1e-6)


@pytest.mark.parametrize("metric", ["SparseCategoricalAccuracy", "SparseCategoricalCrossentropy"])
def test_class_metrics_give_what_the_combiner_gives_of_ties_and_certainties(metric: str) -> None:
    rows = scored([0, 2, 1, 1], [[0.4, 0.4, 0.2], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.2, 0.5, 0.3]])
    (form,) = forms(metric)

    assert in_vectors(form, rows) == pytest.approx(row_by_row(form, rows), rel=1e-6)


def test_pairs_of_classes_give_what_the_combiner_gives_and_no_class_up_to_the_threshold() -> None:
    rows = scored([0, 2, 1, 2, -1], [[0.4, 0.4, 0.2], [0.25, 0.25, 0.5], [0.1, 0.2, 0.7], [0.0, 0.1, 0.9], [1, 0, 0]])
    (form,) = forms("MultiClassConfusionMatrixPlot", thresholds=[0.5])

    ours = in_vectors(form, rows)

    assert ours == row_by_row(form, rows)
    assert ours[0.5] == {(0, -1): 1.0, (1, 2): 1.0, (2, -1): 1.0, (2, 2): 1.0, (-1, 0): 1.0}


def test_a_mean_over_several_accumulators_is_the_mean_of_the_rows() -> None:
    (form,) = forms("MeanAbsoluteError")
    parts = [form.cells(scored(np.array([0.0]), [error])) for error in (1.0, 2.0, 6.0)]

    (ours,) = form.output(merge([total(part.cell, part.values) for part in parts])).values()

    assert ours == pytest.approx(3.0)


def test_a_prediction_that_is_no_number_has_no_bucket_here_nor_in_tfma() -> None:
    (form,) = forms("AUC")
    rows = scored([1, 0], [0.5, np.nan])

    with pytest.raises(InputError, match=r"candidate: expected probabilities\. Received: 1 of 2 that are not a number"):
        in_vectors(form, rows)
    with pytest.raises(ValueError, match="cannot convert float NaN to integer"):
        row_by_row(form, rows)


def test_infinite_predictions_lie_outside_the_range_as_in_tfma() -> None:
    (form,) = forms("AUC")
    rows = scored([1, 0], [np.inf, -np.inf])

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = in_vectors(form, rows)

    assert (
        [bucket.bucket_id for bucket in ours] == [bucket.bucket_id for bucket in row_by_row(form, rows)] == [0, 10001]
    )


@pytest.mark.parametrize("metric", ["AUC", "BinaryAccuracy"])
@pytest.mark.parametrize("label", [2.0, -1.0, np.nan])
def test_a_label_that_is_no_share_is_refused(metric: str, label: float) -> None:
    (form,) = forms(metric)

    with pytest.raises(InputError, match=rf"expected labels from 0 to 1 for a binary metric\. Received: {label}"):
        form.cells(scored([1.0, label], [0.5, 0.5]))


def test_several_scores_a_row_are_refused_where_one_is_meant() -> None:
    (form,) = forms("Calibration")

    with pytest.raises(InputError, match=r"candidate: expected one score a row.*Received: 3 a row"):
        form.cells(scored([1], [[0.1, 0.2, 0.7]]))


def test_one_score_a_row_is_refused_where_classes_are_meant() -> None:
    (form,) = forms("MultiClassConfusionMatrixPlot")

    with pytest.raises(InputError, match="candidate: expected a score a class"):
        form.cells(scored([1], [0.7]))


def test_a_class_that_the_model_has_no_score_for_is_refused() -> None:
    (form,) = forms("SparseCategoricalAccuracy")

    with pytest.raises(InputError, match=r"candidate: expected labels from 0 to 1.*Received: 2 of 3 others"):
        form.cells(scored([0, -1, 2], [[0.5, 0.5]] * 3))


def numbers_of(value: Any) -> list[float]:
    """The numbers of a histogram, of sums, or of one number."""
    if isinstance(value, list):
        fields = ("bucket_id", "weighted_labels", "weighted_predictions", "weighted_examples")
        return [getattr(bucket, field) for bucket in value for field in fields]
    if hasattr(value, "total_weighted_labels"):
        return [value.total_weighted_labels, value.total_weighted_predictions, value.total_weighted_examples]
    return [float(value)]
