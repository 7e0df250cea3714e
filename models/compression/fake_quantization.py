"""The rounding of an int8 model in float arithmetic, with straight-through gradients.

Ranges are those of the tensor at hand. So there is no state to exchange between replicas or to save, and the ranges of
a device model, which are calibrated after the training, are those that the network has learnt with.
Source of both grids: ai.google.dev/edge/litert/models/quantization_spec.
"""

import tensorflow as tf

from models.compression.straight_through import straight_through

_KERNEL_LEVELS = 127


def quantized_by_channel(kernel: tf.Tensor) -> tf.Tensor:
    """A dense kernel [inputs, outputs] on the 255 levels of a symmetric scale an output."""
    return _quantized(kernel, tf.reduce_max(tf.abs(tf.stop_gradient(kernel)), axis=0, keepdims=True))


def quantized_by_tensor(kernel: tf.Tensor) -> tf.Tensor:
    """A dense kernel [inputs, outputs] on the 255 levels of one symmetric scale."""
    return _quantized(kernel, tf.reduce_max(tf.abs(tf.stop_gradient(kernel))))


def _quantized(kernel: tf.Tensor, largest: tf.Tensor) -> tf.Tensor:
    fixed = tf.stop_gradient(kernel)
    scale = tf.where(largest > 0.0, largest / _KERNEL_LEVELS, 1.0)
    return straight_through(kernel, tf.clip_by_value(tf.round(fixed / scale), -_KERNEL_LEVELS, _KERNEL_LEVELS) * scale)


def quantized_value(values: tf.Tensor) -> tf.Tensor:
    """Values on 256 levels between their minimum and maximum, or 0 where that lies beyond; one level is exactly 0."""
    fixed = tf.stop_gradient(values)
    # A range without 0 would be shifted until it has it, and cut off at the other end.
    low, high = tf.minimum(tf.reduce_min(fixed), 0.0), tf.maximum(tf.reduce_max(fixed), 0.0)
    rounded = tf.quantization.fake_quant_with_min_max_vars(fixed, low, high)
    return straight_through(values, rounded)
