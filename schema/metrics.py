"""The metrics a problem may name: which task each is for, which way is better, and which bounds make sense."""

from dataclasses import dataclass
from typing import Any

from schema.closed import nearest
from schema.errors import InputError
from schema.problem import Evaluation, Task

# How far from 0 and 1 a log loss keeps probabilities. Keras's fuzz factor for float32 (tf_keras.backend.epsilon), by
# which its cross-entropies and TFMA's SparseCategoricalCrossentropy clip.
SMALLEST_PROBABILITY = 1e-7


@dataclass(frozen=True)
class Metric:
    """One metric: TFMA's class and its config, whether more is better (None: neither way), its unit and title.

    `undefined_on` says on which rows, one or more, it has no value; empty for one that has a value on any.
    """

    name: str
    task: Task
    tfma_class: str
    higher_is_better: bool | None
    unit: str
    title: str
    options: tuple[tuple[str, Any], ...] = ()
    undefined_on: str = ""


_ONE_CLASS, _NO_POSITIVE = "all of one class", "none of the positive class"

_ALL = (
    Metric("auc", Task.BINARY, "AUC", True, "0 to 1", "AUC", undefined_on=_ONE_CLASS),
    Metric(
        "pr_auc",
        Task.BINARY,
        "AUCPrecisionRecall",
        True,
        "0 to 1",
        "area under precision and recall",
        undefined_on=_ONE_CLASS,
    ),
    Metric("binary_accuracy", Task.BINARY, "BinaryAccuracy", True, "share of rows", "accuracy"),
    Metric("log_loss", Task.BINARY, "BinaryCrossEntropy", False, "nats", "log loss"),
    Metric(
        "calibration",
        Task.BINARY,
        "Calibration",
        None,
        "predicted to true",
        "calibration",
        undefined_on=_NO_POSITIVE,
    ),
    Metric("accuracy", Task.MULTICLASS, "SparseCategoricalAccuracy", True, "share of rows", "accuracy"),
    Metric("log_loss", Task.MULTICLASS, "SparseCategoricalCrossentropy", False, "nats", "log loss"),
    Metric("mean_absolute_error", Task.REGRESSION, "MeanAbsoluteError", False, "label's unit", "mean absolute error"),
    Metric("mean_squared_error", Task.REGRESSION, "MeanSquaredError", False, "label's unit²", "mean squared error"),
    Metric("mean_prediction", Task.REGRESSION, "MeanPrediction", None, "label's unit", "mean prediction"),
)

# The metric that one number for a model means; device variants are held to it.
MAIN = {Task.BINARY: "auc", Task.MULTICLASS: "accuracy", Task.REGRESSION: "mean_absolute_error"}


def metrics_of(task: Task) -> dict[str, Metric]:
    """The metrics of a task by name."""
    return {metric.name: metric for metric in _ALL if metric.task is task}


def why_undefined(name: str, rows: int) -> str:
    """Why a metric has no value on so many rows, such as `12 rows, all of one class`."""
    if rows == 0:
        return "no rows"
    causes = (metric.undefined_on for metric in _ALL if metric.name == name and metric.undefined_on)
    return f"{rows:,} row{'s' * (rows != 1)}, {next(causes, 'of which it is no finite number')}"


def check_evaluation(evaluation: Evaluation, task: Task) -> None:
    """Refuses what would be left out in silence: a release must not pass for want of a bound.

    Raises:
        InputError: for a metric that the task does not have, and for a bound that nothing would be held to.
    """
    known = metrics_of(task)
    for name in evaluation.metrics:
        if name not in known:
            raise InputError(f"problem.yaml: evaluation.metrics: unknown metric '{name}'.{nearest(name, list(known))}")
    measured = evaluation.metrics or tuple(known)
    for key in ("bounds", "changes", "slice_bounds"):
        for name in getattr(evaluation, key):
            _check_bound(key, name, known, measured)
    if evaluation.slice_bounds and not evaluation.slices:
        raise InputError("problem.yaml: evaluation.slice_bounds: expected evaluation.slices beside it. Received: none")


def _check_bound(key: str, name: str, known: dict[str, Metric], measured: tuple[str, ...]) -> None:
    if name not in measured:
        raise InputError(f"problem.yaml: evaluation.{key}: '{name}' is not measured.{nearest(name, list(measured))}")
    if known[name].higher_is_better is None:
        raise InputError(
            f"problem.yaml: evaluation.{key}: '{name}' takes no bound: neither more nor less of it is better"
        )
