"""Rounding that can be learnt through."""

from collections.abc import Callable

import tensorflow as tf


@tf.custom_gradient
def straight_through(
    values: tf.Tensor, rounded: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, None]]]:
    """`rounded`, whose gradient goes to `values` as if nothing had been rounded.

    Source: Bengio, Leonard, Courville, "Estimating or propagating gradients through stochastic neurons" (2013).
    """
    del values
    return tf.identity(rounded), lambda gradient: (gradient, None)
