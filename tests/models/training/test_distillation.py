"""What fine-tuning aims at: the trained model's scores and the labels, mixed, whether rows are resident or stream."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from models.data import dataset as training_input
from models.data.dataset import make_dataset
from models.network.network import build_network
from models.training.distillation import make_teacher
from models.training.fit import MemberLoss
from schema.problem import Task
from tests.models.training_case import STATISTICS, bound_problem, rows, write_shards

ROWS = {
    "carrier": tf.constant([2, 3, 0, 4], tf.int64),
    "hour": tf.constant([1, 4, 0, 2], tf.int64),
    "distance": tf.constant([0.0, 0.5, -1.0, 1.0]),
}


def test_targets_are_scores_and_labels_by_share() -> None:
    bound = bound_problem()
    # All weights zero but the head's bias: both members score sigmoid(log 3) = 0.75 for every row.
    weights = [np.zeros(value.shape, np.float32) for value in build_network(bound, STATISTICS).get_weights()]
    names = [variable.name for variable in build_network(bound, STATISTICS).weights]
    weights[names.index("head/bias:0")] += np.log(3.0, dtype=np.float32)
    teacher = make_teacher(bound, STATISTICS, weights, 0.5)

    targets = teacher(ROWS, tf.constant([1, 0, 1, 0], tf.int64))

    np.testing.assert_allclose(targets, [0.875, 0.375, 0.875, 0.375], rtol=1e-6)


def test_of_several_classes_each_row_has_a_distribution() -> None:
    bound = bound_problem(Task.MULTICLASS)
    weights = [np.zeros(value.shape, np.float32) for value in build_network(bound, STATISTICS).get_weights()]
    teacher = make_teacher(bound, STATISTICS, weights, 0.3)

    targets = teacher(ROWS, tf.constant([0, 1, 2, 2], tf.int64)).numpy()

    np.testing.assert_allclose(targets[0], [0.8, 0.1, 0.1], rtol=1e-6)
    np.testing.assert_allclose(targets.sum(axis=1), 1.0, rtol=1e-6)


def test_a_certain_teacher_of_several_classes_gives_the_loss_of_labels() -> None:
    logits = tf.constant(np.random.default_rng(1).normal(size=(3, 2, 3)), tf.float32)
    labels = tf.constant([2, 0, 1], tf.int64)
    loss = MemberLoss(Task.MULTICLASS)

    np.testing.assert_allclose(loss.call(tf.one_hot(labels, 3), logits), loss.call(labels, logits), rtol=1e-6)


@pytest.mark.parametrize("resident", [True, False])
def test_targets_take_the_labels_place_in_training_alone(
    tmp_path: Path, resident: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not resident:
        monkeypatch.setattr(training_input, "_RESIDENT_BYTES", 0)
    bound, source = bound_problem(), write_shards(tmp_path, "train", [rows(24)])

    def marked(features: dict[str, tf.Tensor], labels: tf.Tensor) -> tf.Tensor:
        return 10.0 * features["distance"] + tf.cast(labels, tf.float32)

    taught = make_dataset(source, bound, 8, training=True, seed=3, teacher=marked)
    plain = make_dataset(source, bound, 8, training=True, seed=3)
    for (features, targets), (_, labels) in zip(taught.take(3), plain.take(3), strict=True):
        np.testing.assert_allclose(targets, 10.0 * features["distance"] + tf.cast(labels, tf.float32), rtol=1e-6)
        assert features["carrier"].dtype == tf.int64
    [(_, judged), *_] = list(make_dataset(source, bound, 8, training=False, teacher=marked).take(1))
    assert judged.dtype == tf.int64
