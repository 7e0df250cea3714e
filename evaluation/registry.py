"""Which vector form stands for which of TFMA's combiners."""

from typing import Any

from tensorflow_model_analysis.metrics import (
    binary_confusion_matrices,
    calibration,
    calibration_histogram,
    cross_entropy_metrics,
    example_count,
    mean_regression_error,
    metric_types,
    multi_class_confusion_matrix_metrics,
    tf_metric_wrapper,
)

from evaluation.class_pairs import ClassPairsForm
from evaluation.cross_entropy import BinaryCrossEntropyForm
from evaluation.decisions import DecisionsForm
from evaluation.example_count import ExampleCountForm
from evaluation.histogram import HistogramForm
from evaluation.keras_means import KerasMeansForm
from evaluation.regression_errors import AbsoluteErrorForm, SquaredErrorForm
from evaluation.vector_form import VectorForm
from evaluation.weighted_sums import WeightedSumsForm
from schema.errors import InputError

FORMS: dict[type[Any], type[VectorForm]] = {
    example_count._ExampleCountCombiner: ExampleCountForm,
    calibration._WeightedLabelsPredictionsExamplesCombiner: WeightedSumsForm,
    calibration_histogram._CalibrationHistogramCombiner: HistogramForm,
    binary_confusion_matrices._BinaryConfusionMatrixCombiner: DecisionsForm,
    cross_entropy_metrics._BinaryCrossEntropyCombiner: BinaryCrossEntropyForm,
    mean_regression_error._MeanAbsoluteErrorCombiner: AbsoluteErrorForm,
    mean_regression_error._MeanSquaredErrorCombiner: SquaredErrorForm,
    multi_class_confusion_matrix_metrics._MultiClassConfusionMatrixCombiner: ClassPairsForm,
    tf_metric_wrapper._CompilableMetricsCombiner: KerasMeansForm,
}


def vector_form(computation: metric_types.MetricComputation) -> VectorForm:
    """The vector form of one of TFMA's computations over rows.

    Raises:
        InputError: if there is none, naming the metric and the combiners that have one.
    """
    combiner, names = computation.combiner, sorted({key.name for key in computation.keys})
    made = FORMS.get(type(combiner))
    if made is None:
        known = ", ".join(sorted(kind.__name__.strip("_") for kind in FORMS))
        raise InputError(
            f"{', '.join(names)}: no vector form of TFMA's {type(combiner).__name__.strip('_')}. Known: {known}"
        )
    for key in computation.keys:
        if key.sub_key is not None or key.aggregation_type is not None or key.example_weighted:
            raise InputError(
                f"{key.name}: expected a metric of all outputs without weights. Received: {key.sub_key or 'weights'}"
            )
    return made(combiner)
