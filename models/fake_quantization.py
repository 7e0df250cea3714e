"""The rounding of an int8 model in float arithmetic, with straight-through gradients.

Ranges are those of the tensor at hand. So there is no state to exchange between replicas or to save, and the ranges of
a device model, which are calibrated after the training, are those that the network has learnt with.
Source of both grids: ai.google.dev/edge/litert/models/quantization_spec.
"""

import tensorflow as tf

from models.straight_through import straight_through

_WEIGHT_LEVELS = 127


def quantized_by_channel(kernel: tf.Tensor) -> tf.Tensor:
    """A dense kernel [inputs, outputs] on the 255 levels of a symmetric scale an output."""
    return _symmetric(kernel, tf.reduce_max(tf.abs(kernel), axis=0, keepdims=True))


def quantized_whole(weights: tf.Tensor) -> tf.Tensor:
    """Weights of any shape on the 255 levels of one symmetric scale."""
    return _symmetric(weights, tf.reduce_max(tf.abs(weights)))


def quantized_activation(values: tf.Tensor) -> tf.Tensor:
    """Values on 256 levels between their minimum and maximum, of which one is exactly 0."""
    fixed = tf.stop_gradient(values)
    rounded = tf.quantization.fake_quant_with_min_max_vars(fixed, tf.reduce_min(fixed), tf.reduce_max(fixed))
    return straight_through(values, rounded)


def _symmetric(weights: tf.Tensor, largest: tf.Tensor) -> tf.Tensor:
    fixed = tf.stop_gradient(weights)
    scale = tf.stop_gradient(tf.where(largest > 0.0, largest / _WEIGHT_LEVELS, 1.0))
    levels = tf.clip_by_value(tf.round(fixed / scale), -_WEIGHT_LEVELS, _WEIGHT_LEVELS)
    return straight_through(weights, levels * scale)
