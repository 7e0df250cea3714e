"""Dropout by the byte: how much falls, what the rest becomes, and that a model at work is left alone."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from models.network.dropout import ByteDropout


@pytest.mark.parametrize(("rate", "share"), [(0.2, 51 / 256), (0.5, 0.5), (0.001, 0.0), (0.9999, 255 / 256)])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_256th_of_the_values_is_the_grain_of_what_falls(rate: float, share: float, jit_compile: bool) -> None:
    tf_keras.utils.set_random_seed(1)
    layer = ByteDropout(rate)
    dropped = tf.function(lambda values: layer(values, training=True), jit_compile=jit_compile)
    # A number of values that is no multiple of four.
    values = dropped(tf.ones([251, 399])).numpy()
    assert np.mean(values == 0) == pytest.approx(share, abs=0.005)
    assert np.unique(values[values > 0]).tolist() == pytest.approx([1 / (1 - share)])


def test_each_call_drops_other_values_and_a_seed_repeats_them() -> None:
    layer = ByteDropout(0.5)
    values = tf.ones([64, 64])

    def two() -> list[list[float]]:
        tf_keras.utils.set_random_seed(3)
        return [layer(values, training=True).numpy().tolist() for _ in range(2)]

    first, second = two()
    assert first != second
    assert two() == [first, second]


def test_neither_a_model_at_work_nor_a_rate_of_zero_changes_anything() -> None:
    values = tf.constant([[1.0, -2.0]])
    assert ByteDropout(0.5)(values).numpy().tolist() == [[1.0, -2.0]]
    assert ByteDropout(0.0)(values, training=True).numpy().tolist() == [[1.0, -2.0]]


def test_the_gradient_flows_through_what_stays() -> None:
    layer, values = ByteDropout(0.5), tf.Variable(tf.ones([8, 8]))
    with tf.GradientTape() as tape:
        answer = layer(values, training=True)
    assert tape.gradient(answer, values).numpy().tolist() == answer.numpy().tolist()
