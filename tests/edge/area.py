"""The exact area under the ROC curve, which no threshold rounds: what recipes are compared by in tests."""

import numpy as np

from edge.runtime.litert_model import Array


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
