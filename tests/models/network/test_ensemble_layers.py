"""The members' layers: both forms of a dense layer are one function with one gradient."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from models.network.ensemble_layers import MemberDense, MemberHead, MemberScale


@pytest.fixture(autouse=True)
def _seed() -> None:
    tf_keras.utils.set_random_seed(5)


def test_a_member_scales_the_inputs_of_a_shared_layer() -> None:
    layer = MemberDense(1, members=2)
    layer(tf.zeros([1, 2]))
    layer.set_weights([np.array(weight) for weight in ([[1, 2], [-1, 1]], [[3], [5]], [0.5])])
    # Member one: 3 * 1 * 1 + 5 * 2 * 2 + 0.5; member two: -3 * 1 + 5 * 2 + 0.5.
    assert layer(tf.constant([[1.0, 2.0]])).numpy().tolist() == [[[23.5], [7.5]]]
    # And for members that have inputs of their own; what is negative becomes zero.
    own = tf.constant([[[1.0, 2.0], [1.0, -2.0]]])
    assert layer(own).numpy().tolist() == [[[23.5], [0.0]]]


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("parts", [lambda a, b: (a, b), lambda a, b: tf.concat([a, b], axis=1)])
def test_training_computes_what_a_model_at_work_computes(
    members: int, parts: Callable[[tf.Tensor, tf.Tensor], tf.Tensor | tuple[tf.Tensor, tf.Tensor]]
) -> None:
    learned = tf.Variable(tf.random.normal([7, 4]))
    given = tf.random.normal([7, 5])
    layer = MemberDense(6, members, random_signs=True)
    found = []
    for training in (False, True):
        with tf.GradientTape() as tape:
            answer = layer(parts(learned * 1.0, given), training=training)
            loss = tf.reduce_sum(tf.sin(answer))
        found.append([answer, *tape.gradient(loss, [learned, *layer.trainable_variables])])
    assert found[0][0].shape == [7, members, 6]
    assert len(layer.trainable_variables) == (2 if members == 1 else 3)
    for at_work, in_training in zip(*found, strict=True):
        np.testing.assert_allclose(at_work, in_training, atol=1e-5)


def test_members_start_apart_by_signs_alone() -> None:
    layer = MemberDense(6, 4, random_signs=True)
    layer(tf.zeros([1, 50]))
    assert set(np.unique(layer.scale.numpy())) == {-1.0, 1.0}
    assert len({tuple(scale) for scale in layer.scale.numpy()}) == 4


def test_each_member_has_a_head_of_its_own() -> None:
    head, scale = MemberHead(1), MemberScale()
    values = tf.constant([[[1.0, 2.0], [1.0, 2.0]]])
    head(scale(values))
    scale.set_weights([np.array([[1, 1], [2, 0]])])
    head.set_weights([np.array([[[1], [1]], [[1], [-1]]]), np.array([[0], [10]])])
    assert head(scale(values)).numpy().tolist() == [[[3.0], [12.0]]]
