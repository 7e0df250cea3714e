"""Whether two models decide a row alike."""

import numpy as np

from edge.runtime.litert_model import Array
from schema.problem import Task

# Two regression values are different decisions when they differ by more than this share of the label's deviation.
REGRESSION_TOLERANCE = 0.01


def flip_rate(task: Task, labels: Array, server: Array, variant: Array, threshold: float) -> float:
    """Share of rows decided differently, in [0, 1]; 0 without rows.

    A row counts whose score is on the other side of the threshold (binary), whose most likely class is another
    (multiclass), whose value is further off than 1 % of the labels' standard deviation (regression), or whose output is
    not finite. Labels that are all equal have no deviation: then it is 1 % of the label, or of the server's largest
    value where the label is 0.

    Args:
        task: kind of label.
        labels: [N].
        server: float [N, k], finite.
        variant: float [N, k].
        threshold: probability from which the positive class is decided (binary only).
    """
    if len(labels) == 0:
        return 0.0
    if task is Task.BINARY:
        different = (server[:, 0] >= threshold) != (variant[:, 0] >= threshold)
    elif task is Task.MULTICLASS:
        different = np.argmax(server, axis=1) != np.argmax(variant, axis=1)
    else:
        allowed = REGRESSION_TOLERANCE * _spread(np.asarray(labels, np.float64), server)
        different = np.abs(variant[:, 0].astype(np.float64) - server[:, 0]) > allowed
    return float(np.mean(different | ~np.isfinite(variant).all(axis=1)))


def _spread(labels: Array, server: Array) -> float:
    """What differences of values are small against, in the label's unit."""
    return float(np.ptp(labels) and np.std(labels)) or float(np.abs(labels).max()) or float(np.abs(server).max())
