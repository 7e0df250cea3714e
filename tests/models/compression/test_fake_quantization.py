"""Rounding to int8 in float: levels, half a step at most, zero kept, gradients untouched."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from models.compression.fake_quantization import quantized_by_channel, quantized_by_tensor, quantized_value

WEIGHTS = np.random.default_rng(4).normal(size=(40, 30)).astype(np.float32) * np.linspace(0.1, 5, 30, dtype=np.float32)


def test_a_channel_has_a_scale_of_its_own() -> None:
    found = quantized_by_channel(tf.constant([[127.0, 1.27], [0.4, -0.014]])).numpy()

    np.testing.assert_allclose(found, [[127.0, 1.27], [0.0, -0.01]], rtol=1e-6)


def test_a_tensor_has_one_scale() -> None:
    found = quantized_by_tensor(tf.constant([[127.0, 1.27], [0.4, -0.6]])).numpy()

    np.testing.assert_allclose(found, [[127.0, 1.0], [0.0, -1.0]], rtol=1e-6)


def test_weights_lie_on_255_levels_within_half_a_step() -> None:
    found = quantized_by_channel(tf.constant(WEIGHTS)).numpy()

    steps = np.abs(WEIGHTS).max(axis=0) / 127
    assert max(len(np.unique(column)) for column in found.T) <= 255
    assert np.all(np.abs(found - WEIGHTS) <= steps / 2 * (1 + 1e-5))
    np.testing.assert_allclose(found / steps, np.round(found / steps), atol=1e-4)


def test_values_lie_on_256_levels_within_half_a_step_and_zero_is_one_of_them() -> None:
    values = np.append(np.random.default_rng(5).uniform(-1.0, 3.0, 5000), 0.0).astype(np.float32)

    found = quantized_value(tf.constant(values)).numpy()

    step = (values.max() - values.min()) / 255
    assert len(np.unique(found)) <= 256
    # Half a step, and up to another half at the ends, since the levels are shifted so that 0 is one of them.
    assert np.abs(found - values).max() <= step * 1.001
    assert found[-1] == 0.0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_range_without_zero_reaches_to_it(sign: float) -> None:
    values = sign * tf.constant([25.5, 20.04, 1.0])

    np.testing.assert_allclose(quantized_value(values), sign * np.array([25.5, 20.0, 1.0]), rtol=1e-6)
    assert quantized_value(tf.fill([3], sign)).numpy().tolist() == [sign] * 3


@pytest.mark.parametrize("rounded", [quantized_by_channel, quantized_by_tensor, quantized_value])
def test_nothing_but_zeros_stays_zeros(rounded: Callable[[tf.Tensor], tf.Tensor]) -> None:
    assert rounded(tf.zeros([2, 2])).numpy().tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("rounded", [quantized_by_channel, quantized_by_tensor, quantized_value])
def test_gradients_pass_as_if_nothing_were_rounded(rounded: Callable[[tf.Tensor], tf.Tensor]) -> None:
    weights, factors = tf.constant(WEIGHTS), tf.constant(WEIGHTS[::-1].copy())
    with tf.GradientTape() as tape:
        tape.watch(weights)
        loss = tf.reduce_sum(rounded(weights) * factors)

    np.testing.assert_array_equal(tape.gradient(loss, weights), factors)
