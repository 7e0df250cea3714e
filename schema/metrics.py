"""The metrics a problem may name: which task each is for, and which way is better."""

from dataclasses import dataclass
from typing import Any

from schema.problem import Task


@dataclass(frozen=True)
class Metric:
    """One metric: TFMA's class and its config, and whether more is better (None: neither way)."""

    name: str
    task: Task
    tfma_class: str
    higher_is_better: bool | None
    options: tuple[tuple[str, Any], ...] = ()


_ALL = (
    Metric("auc", Task.BINARY, "AUC", True),
    Metric("pr_auc", Task.BINARY, "AUCPrecisionRecall", True),
    Metric("binary_accuracy", Task.BINARY, "BinaryAccuracy", True),
    Metric("log_loss", Task.BINARY, "BinaryCrossEntropy", False),
    Metric("calibration", Task.BINARY, "Calibration", None),
    Metric("accuracy", Task.MULTICLASS, "SparseCategoricalAccuracy", True),
    Metric("log_loss", Task.MULTICLASS, "SparseCategoricalCrossentropy", False),
    Metric("mean_absolute_error", Task.REGRESSION, "MeanAbsoluteError", False),
    Metric("mean_squared_error", Task.REGRESSION, "MeanSquaredError", False),
    Metric("mean_prediction", Task.REGRESSION, "MeanPrediction", None),
)

# The metric that one number for a model means; device variants are held to it.
MAIN = {Task.BINARY: "auc", Task.MULTICLASS: "accuracy", Task.REGRESSION: "mean_absolute_error"}


def metrics_of(task: Task) -> dict[str, Metric]:
    """The metrics of a task by name."""
    return {metric.name: metric for metric in _ALL if metric.task is task}
