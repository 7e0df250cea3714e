"""The encodings: pure functions of raw tensors and statistics, shared by Transform, the server and the device.

Only operations that LiteRT has as builtins are used, so that the same functions convert.
"""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from schema.ranks import LARGEST_BOUNDARY, SMALLEST_WIDTH

# Ids of a vocabulary feature: 0 missing, 1 unseen, 2.. the vocabulary's terms, most frequent first.
MISSING_ID = 0
UNSEEN_ID = 1
FIRST_TERM_ID = 2

# The rank of a missing number. It lies left of every knot of the network's basis, so that no knot answers to it.
MISSING_RANK = -1.0

# Brings every float32, 2^128 and less, within LARGEST_BOUNDARY. A power of two, so that no digit is lost.
_SHRINK = 2.0**-16


def bucket_scales(boundaries: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """What each bucket's ends, and numbers in it, are multiplied by so that no width overflows.

    Args:
        boundaries: float32 [F, K + 1], finite.

    Returns:
        float32 [F, K], powers of two, which change no share of a bucket; None where all would be 1, as nearly always.
    """
    ends = np.abs(boundaries)
    huge = np.maximum(ends[:, :-1], ends[:, 1:]) > LARGEST_BOUNDARY
    return np.where(huge, _SHRINK, 1.0).astype(np.float32) if huge.any() else None


def quantile_ranks(numbers: tf.Tensor, boundaries: tf.Tensor, scales: tf.Tensor | None = None) -> tf.Tensor:
    """Rank of each number among its feature's quantiles, piecewise linear between boundaries.

    All features at once: one operation for many costs a device and a server less than one for each.

    Args:
        numbers: float32 [N, F], in any unit; NaN is missing.
        boundaries: float32 [F, K + 1], ascending: minimum, K - 1 quantiles, maximum of the training split.
        scales: float32 [F, K], see bucket_scales; needed where a boundary is beyond LARGEST_BOUNDARY.

    Returns:
        float32 [N, F] in [0, 1], or MISSING_RANK. Equal boundaries make a step, so ties rank apart from what follows.
    """
    left, right = boundaries[:, :-1], boundaries[:, 1:]
    missing = numbers != numbers
    filled = tf.where(missing, tf.zeros_like(numbers), numbers)[:, :, tf.newaxis]
    if scales is not None:
        filled, left, right = filled * scales, left * scales, right * scales
    width = tf.maximum(right - left, SMALLEST_WIDTH)
    rank = tf.reduce_mean(tf.clip_by_value((filled - left) / width, 0.0, 1.0), axis=2)
    absent = tf.cast(missing, tf.float32)
    return rank * (1.0 - absent) + MISSING_RANK * absent


def identity_id(integers: tf.Tensor, minimum: int, maximum: int) -> tf.Tensor:
    """Ids of integers within a closed domain.

    Args:
        integers: int64 [N].
        minimum: smallest value of the domain.
        maximum: largest value of the domain.

    Returns:
        int64 [N]: 1 for the minimum and up; 0 for what is missing or out of domain.
    """
    inside = tf.logical_and(integers >= minimum, integers <= maximum)
    return tf.where(inside, integers - (minimum - 1), tf.zeros_like(integers))


def vocabulary_id(strings: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Ids of strings from their index in the vocabulary.

    Args:
        strings: string [N]; empty is missing.
        index: int64 [N], place in the vocabulary, -1 where unseen.

    Returns:
        int64 [N], see FIRST_TERM_ID.
    """
    # A converted table loses the shape of its answer; without the reshape what follows it fails on devices.
    # The product says "0 where missing", which is MISSING_ID, without a shape to broadcast to.
    return (tf.reshape(index, [-1]) + FIRST_TERM_ID) * tf.cast(strings != "", tf.int64)
