"""A problem's metrics, slices and bounds in TFMA's terms."""

import json
from collections.abc import Iterator

from google.protobuf.wrappers_pb2 import BoolValue, DoubleValue
from tensorflow_model_analysis.proto import config_pb2

from schema import signatures
from schema.metrics import Metric, metrics_of
from schema.problem import Evaluation, Problem, Task


def eval_config(problem: Problem) -> config_pb2.EvalConfig:
    """TFMA's EvalConfig: candidate and baseline, metrics with bounds and changes, plots, slices and intervals."""
    known = metrics_of(problem.task)
    chosen = problem.evaluation.metrics or tuple(known)
    metrics = [config_pb2.MetricConfig(class_name="ExampleCount", config='{"name": "example_count"}')]
    metrics += [_metric(known[name], problem) for name in chosen]
    metrics += [config_pb2.MetricConfig(class_name=name) for name in _plots(problem.task)]
    slices = [config_pb2.SlicingSpec()]
    slices += [config_pb2.SlicingSpec(feature_keys=list(names)) for names in problem.evaluation.slices]
    return config_pb2.EvalConfig(
        model_specs=[_model(problem, "candidate", False), _model(problem, "baseline", True)],
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics, model_names=["candidate", "baseline"])],
        slicing_specs=slices,
        options=_intervals() if problem.evaluation.intervals else None,
    )


def _intervals() -> config_pb2.Options:
    return config_pb2.Options(
        compute_confidence_intervals=BoolValue(value=True),
        confidence_intervals=config_pb2.ConfidenceIntervalOptions(
            method=config_pb2.ConfidenceIntervalOptions.JACKKNIFE
        ),
    )


def _model(problem: Problem, name: str, baseline: bool) -> config_pb2.ModelSpec:
    return config_pb2.ModelSpec(
        name=name,
        is_baseline=baseline,
        # Otherwise TFMA tries to load the model with Keras 3 to find out, which imports it first.
        model_type="tf_generic",
        signature_name=signatures.SERVING_DEFAULT,
        label_key=problem.label,
        prediction_key=signatures.prediction_key(problem.task),
        preprocessing_function_names=[signatures.TRANSFORM_LABELS] if problem.classes else [],
    )


def _plots(task: Task) -> tuple[str, ...]:
    # The confusion matrix at every threshold is what ROC and precision-recall curves are drawn from.
    if task is Task.BINARY:
        return ("ConfusionMatrixPlot", "CalibrationPlot")
    return ("MultiClassConfusionMatrixPlot",) if task is Task.MULTICLASS else ()


def _metric(metric: Metric, problem: Problem) -> config_pb2.MetricConfig:
    options = {"name": metric.name, **dict(metric.options)}
    if metric.name == "binary_accuracy":
        options["threshold"] = problem.evaluation.threshold
    return config_pb2.MetricConfig(
        class_name=metric.tfma_class,
        config=json.dumps(options),
        # Not `threshold`: TFMA holds every slice to that one, not the whole alone.
        per_slice_thresholds=[*_overall(metric, problem.evaluation), *_by_slice(metric, problem.evaluation)],
    )


def _overall(metric: Metric, evaluation: Evaluation) -> Iterator[config_pb2.PerSliceMetricThreshold]:
    threshold = config_pb2.MetricThreshold()
    if metric.name in evaluation.bounds:
        threshold.value_threshold.CopyFrom(_value(metric, evaluation.bounds[metric.name]))
    if metric.name in evaluation.changes:
        threshold.change_threshold.CopyFrom(_change(metric, evaluation.changes[metric.name]))
    if threshold.ByteSize():
        yield config_pb2.PerSliceMetricThreshold(slicing_specs=[config_pb2.SlicingSpec()], threshold=threshold)


def _by_slice(metric: Metric, evaluation: Evaluation) -> Iterator[config_pb2.PerSliceMetricThreshold]:
    if metric.name in evaluation.slice_bounds:
        yield config_pb2.PerSliceMetricThreshold(
            slicing_specs=[config_pb2.SlicingSpec(feature_keys=list(names)) for names in evaluation.slices],
            threshold=config_pb2.MetricThreshold(value_threshold=_value(metric, evaluation.slice_bounds[metric.name])),
        )


def _value(metric: Metric, bound: float) -> config_pb2.GenericValueThreshold:
    if metric.higher_is_better is False:
        return config_pb2.GenericValueThreshold(upper_bound=DoubleValue(value=bound))
    return config_pb2.GenericValueThreshold(lower_bound=DoubleValue(value=bound))


def _change(metric: Metric, worse: float) -> config_pb2.GenericChangeThreshold:
    # TFMA's difference is candidate minus baseline.
    if metric.higher_is_better is False:
        return config_pb2.GenericChangeThreshold(
            absolute=DoubleValue(value=worse), direction=config_pb2.MetricDirection.LOWER_IS_BETTER
        )
    return config_pb2.GenericChangeThreshold(
        absolute=DoubleValue(value=-worse), direction=config_pb2.MetricDirection.HIGHER_IS_BETTER
    )
