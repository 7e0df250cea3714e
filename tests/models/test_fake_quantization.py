"""Rounding to int8 in float: levels, half a step at most, zero kept, gradients untouched."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from models.fake_quantization import quantized_activation, quantized_by_channel, quantized_whole

WEIGHTS = np.random.default_rng(4).normal(size=(40, 30)).astype(np.float32) * np.linspace(0.1, 5, 30, dtype=np.float32)


def test_a_channel_has_a_scale_of_its_own() -> None:
    found = quantized_by_channel(tf.constant([[127.0, 1.27], [0.4, -0.014]])).numpy()

    np.testing.assert_allclose(found, [[127.0, 1.27], [0.0, -0.01]], rtol=1e-6)


def test_a_table_has_one_scale() -> None:
    found = quantized_whole(tf.constant([[127.0, 1.27], [0.4, -0.6]])).numpy()

    assert found.tolist() == [[127.0, 1.0], [0.0, -1.0]]


def test_weights_lie_on_255_levels_within_half_a_step() -> None:
    by_channel, whole = (rounded(tf.constant(WEIGHTS)).numpy() for rounded in (quantized_by_channel, quantized_whole))

    steps = np.abs(WEIGHTS).max(axis=0) / 127
    assert max(len(np.unique(column)) for column in by_channel.T) <= 255
    assert np.all(np.abs(by_channel - WEIGHTS) <= steps / 2 * (1 + 1e-5))
    np.testing.assert_allclose(by_channel / steps, np.round(by_channel / steps), atol=1e-4)
    step = np.abs(WEIGHTS).max() / 127
    assert len(np.unique(whole)) <= 255
    assert np.all(np.abs(whole - WEIGHTS) <= step / 2 * (1 + 1e-5))


def test_values_lie_on_256_levels_within_half_a_step_and_zero_is_one_of_them() -> None:
    values = np.append(np.random.default_rng(5).uniform(-1.0, 3.0, 5000), 0.0).astype(np.float32)

    found = quantized_activation(tf.constant(values)).numpy()

    step = (values.max() - values.min()) / 255
    assert len(np.unique(found)) <= 256
    # Half a step, and up to another half at the ends, since the levels are shifted so that 0 is one of them.
    assert np.abs(found - values).max() <= step * 1.001
    assert found[-1] == 0.0


@pytest.mark.parametrize("rounded", [quantized_by_channel, quantized_whole, quantized_activation])
def test_nothing_but_zeros_stays_zeros(rounded: Callable[[tf.Tensor], tf.Tensor]) -> None:
    assert rounded(tf.zeros([2, 2])).numpy().tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("rounded", [quantized_by_channel, quantized_whole, quantized_activation])
def test_gradients_pass_as_if_nothing_were_rounded(rounded: Callable[[tf.Tensor], tf.Tensor]) -> None:
    weights, factors = tf.constant(WEIGHTS), tf.constant(WEIGHTS[::-1].copy())
    with tf.GradientTape() as tape:
        tape.watch(weights)
        loss = tf.reduce_sum(rounded(weights) * factors)

    np.testing.assert_array_equal(tape.gradient(loss, weights), factors)
