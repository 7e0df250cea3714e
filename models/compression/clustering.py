"""Weights that share a few values: one-dimensional k-means, and each weight's nearest centroid."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.compression.straight_through import straight_through

# Between two updates weights move little, and k-means on a line is near its end by then.
_ROUNDS = 25


def centroids(values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Centroids of k-means over all values, ascending, float32 [count].

    They start evenly spread over the range, which keeps the few large weights that matter most, and are a function of
    the values alone: the same on all workers, and for a training that goes on. One that no value is near stays put.
    """
    ordered = np.sort(values, axis=None).astype(np.float64)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    found = np.linspace(ordered[0], ordered[-1], count)
    for _ in range(_ROUNDS):
        ends = np.searchsorted(ordered, (found[1:] + found[:-1]) / 2, side="right")
        cuts = np.concatenate([[0], ends, [len(ordered)]])
        sizes = np.diff(cuts)
        found = np.where(sizes > 0, np.diff(sums[cuts]) / np.maximum(sizes, 1), found)
    return found.astype(np.float32)


def clustered(values: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
    """The nearest of the ascending centroids [K] for each value, with the gradient of the value itself."""
    midpoints = (found[1:] + found[:-1]) / 2.0
    places = tf.searchsorted(midpoints, tf.reshape(values, [-1]))
    return straight_through(values, tf.reshape(tf.gather(found, places), values.shape))
