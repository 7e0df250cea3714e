"""Dropout whose random numbers are bytes: four of them for what a float's one costs."""

import tensorflow as tf
import tf_keras

_VALUES = 256


class ByteDropout(tf_keras.layers.Layer):
    """Sets a share of the values to 0 in training and scales the others up, so that the mean stays.

    The share is rounded to a 256th, and the scale is that of the rounded share. Drawing a float for every value is a
    fifth of a train step on a CPU.
    """

    def __init__(self, rate: float, **options: object) -> None:
        super().__init__(**options)
        self.rate = rate
        self._dropped = min(round(rate * _VALUES), _VALUES - 1)

    def call(self, values: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Drops values in training; is the identity otherwise."""
        if not training or not self._dropped:
            return values
        kept = _random_bytes(tf.shape(values)) >= tf.constant(self._dropped, tf.uint8)
        return tf.where(kept, values * (_VALUES / (_VALUES - self._dropped)), 0.0)

    def get_config(self) -> dict[str, object]:
        """Constructor arguments."""
        return {**super().get_config(), "rate": self.rate}


def _random_bytes(shape: tf.Tensor) -> tf.Tensor:
    """Uniform uint8 of this shape."""
    size = tf.reduce_prod(shape)
    # One number below the largest is never drawn, which shifts a byte's odds by 2^-32.
    words = tf.random.uniform([(size + 3) // 4], tf.int32.min, tf.int32.max, tf.int32)
    return tf.reshape(tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:size], shape)
