"""Metrics of predictions against labels, in NumPy: exact, and None where they are undefined."""

import numpy as np

from edge.runner import Array
from schema.problem import Task

# Keeps the log finite; float32 probabilities of 0 and 1 are rounding.
_SMALLEST_PROBABILITY = 1e-7


def main_metric(task: Task, labels: Array, predictions: Array) -> float | None:
    """The task's main metric: AUC, accuracy or mean absolute error.

    Args:
        task: kind of label.
        labels: [N]: 0 or 1, the class's index, or the value.
        predictions: float [N, k].

    Returns:
        The metric; None without rows, with a prediction that is not finite, or for an AUC of one-class labels.
    """
    if len(labels) == 0 or not np.isfinite(predictions).all():
        return None
    if task is Task.BINARY:
        return auc(labels, predictions[:, 0])
    if task is Task.MULTICLASS:
        return float(np.mean(np.argmax(predictions, axis=1) == labels))
    return float(np.mean(np.abs(predictions[:, 0].astype(np.float64) - labels)))


def auc(labels: Array, scores: Array) -> float | None:
    """Probability that a positive's score exceeds a negative's, a tie counting half; exact.

    Args:
        labels: [N], 0 or 1.
        scores: finite float [N].

    Returns:
        In [0, 1]; None if all labels are alike.
    """
    positive = np.asarray(labels) == 1
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if positives == 0 or negatives == 0:
        return None
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    # Equal scores share the mean of the ranks they span, counted from 1.
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    above = ranks[positive].sum() - positives * (positives + 1) / 2
    return float(above / positives / negatives)


def log_loss(task: Task, labels: Array, predictions: Array) -> float | None:
    """Mean negative log probability, in nats, of the label.

    Args:
        task: kind of label.
        labels: [N]: 0 or 1, or the class's index.
        predictions: float [N, k], probabilities.

    Returns:
        0 or more; None for a regression, without rows, or with a prediction that is not finite.
    """
    if task is Task.REGRESSION or len(labels) == 0 or not np.isfinite(predictions).all():
        return None
    scores = predictions.astype(np.float64)
    if task is Task.BINARY:
        chosen = np.where(np.asarray(labels) == 1, scores[:, 0], 1.0 - scores[:, 0])
    else:
        chosen = scores[np.arange(len(labels)), labels]
    return float(-np.mean(np.log(np.clip(chosen, _SMALLEST_PROBABILITY, 1.0))))
