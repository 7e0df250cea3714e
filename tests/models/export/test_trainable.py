"""The trainable form in TensorFlow: its step is the tape's, and what it leaves out and leaves alone."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from models.export.export import RowModel
from models.export.trainable import TrainableModel, export_trainable, loss_and_slope
from models.network.network import build_network
from models.training.fit import MemberLoss
from schema.bound import BoundProblem
from schema.problem import Encoding, Feature, Task
from tests.models.training_case import STATISTICS, bound_problem

# A label of 12 is 1.5 in standardised units.
KNOWN = dataclasses.replace(STATISTICS, label_mean=9.0, label_scale=2.0)
ROWS = {
    "carrier": tf.constant([b"AA", b"B6", b"", b"unseen", b"DL"]),
    "hour": tf.constant([0, 3, 1, 99, 2], tf.int64),
    "distance": tf.constant([0.0, 320.0, np.nan, 1e9, 77.5]),
}
LABELS = {
    Task.BINARY: tf.constant([1, 0, 1, 1, 0], tf.int64),
    Task.MULTICLASS: tf.constant([2, 0, 1, 1, 2], tf.int64),
    Task.REGRESSION: tf.constant([12.0, 9.0, -3.0, 7.5, 20.0]),
}
UNKNOWN = {
    Task.BINARY: tf.constant([1, 2, 1, -1, 0], tf.int64),
    Task.MULTICLASS: tf.constant([2, 3, 1, -1, 2], tf.int64),
    Task.REGRESSION: tf.constant([12.0, np.nan, -3.0, np.inf, 20.0]),
}


def made(task: Task, members: int = 2) -> tuple[TrainableModel, tf_keras.Model]:
    """A trainable model of an untrained network, whose wide part and biases are not zero either, and the network."""
    tf_keras.utils.set_random_seed(5)
    bound = bound_problem(task, members=members)
    network = build_network(bound, KNOWN)
    draw = np.random.default_rng(3)
    network.set_weights([draw.normal(0, 0.7, weight.shape).astype(np.float32) for weight in network.get_weights()])
    return TrainableModel(bound, KNOWN, network), network


def standardised(task: Task, labels: tf.Tensor) -> tf.Tensor:
    """The labels as training has them."""
    return (labels - 9.0) / 2.0 if task is Task.REGRESSION else labels


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("task", list(Task))
def test_a_step_is_that_of_the_tape(task: Task, members: int) -> None:
    model, network = made(task, members)
    head = network.get_layer("head")
    with tf.GradientTape() as tape:
        logits = network(model.encode(ROWS), training=False)
        loss = tf.reduce_mean(MemberLoss(task).call(standardised(task, LABELS[task]), logits))
    slopes = tape.gradient(loss, [head.kernel, head.bias])
    before = [model.kernel.numpy(), model.bias.numpy()]
    said = model.train(ROWS, LABELS[task], tf.constant(0.25))
    assert said["loss"].numpy() == pytest.approx(loss.numpy(), rel=1e-5)
    assert said["rows"].numpy() == 5
    for variable, start, slope in zip([model.kernel, model.bias], before, slopes, strict=True):
        assert np.abs(slope).max() > 0.01
        np.testing.assert_allclose(variable.numpy(), start - 0.25 * slope.numpy(), atol=1e-5)


@pytest.mark.parametrize("task", list(Task))
def test_it_answers_as_the_row_model_and_leaves_its_network_alone(task: Task) -> None:
    model, network = made(task)
    expected = RowModel(model.bound, KNOWN, network).score(ROWS).numpy()
    np.testing.assert_array_equal(model.score(ROWS).numpy(), expected)
    model.train(ROWS, LABELS[task], tf.constant(0.25))
    assert np.abs(model.score(ROWS).numpy() - expected).max() > 1e-3
    np.testing.assert_array_equal(RowModel(model.bound, KNOWN, network).score(ROWS).numpy(), expected)


@pytest.mark.parametrize("task", list(Task))
def test_a_row_of_an_unknown_label_does_not_count(task: Task) -> None:
    model, _ = made(task)
    other, _ = made(task)
    kept = [0, 2, 4]
    rows = {name: tf.gather(column, kept) for name, column in ROWS.items()}
    said = model.train(ROWS, UNKNOWN[task], tf.constant(0.25))
    expected = other.train(rows, tf.gather(UNKNOWN[task], kept), tf.constant(0.25))
    assert (said["rows"].numpy(), expected["rows"].numpy()) == (3, 3)
    assert said["loss"].numpy() == pytest.approx(expected["loss"].numpy(), rel=1e-6)
    np.testing.assert_allclose(model.kernel.numpy(), other.kernel.numpy(), atol=1e-6)


def test_without_a_known_label_nothing_changes() -> None:
    model, _ = made(Task.BINARY)
    before = model.kernel.numpy()
    said = model.train(ROWS, tf.constant([7] * 5, tf.int64), tf.constant(0.25))
    assert (said["loss"].numpy(), said["rows"].numpy()) == (0.0, 0)
    np.testing.assert_array_equal(model.kernel.numpy(), before)


# Worked out by hand: ln 2 and 1/2 - y; ln 3 and 1/3 - y; the square of 1.5 - 1 and its double root.
@pytest.mark.parametrize(
    ("task", "logits", "targets", "loss", "slopes"),
    [
        (Task.BINARY, [0.0], [1.0], np.log(2), [-0.5]),
        (Task.BINARY, [0.0], [0.0], np.log(2), [0.5]),
        (Task.BINARY, [-200.0], [1.0], 200.0, [-1.0]),
        (Task.BINARY, [200.0], [1.0], 0.0, [0.0]),
        (Task.MULTICLASS, [4.0, 4.0, 4.0], [0.0, 1.0, 0.0], np.log(3), [1 / 3, -2 / 3, 1 / 3]),
        (Task.MULTICLASS, [300.0, 0.0, 0.0], [0.0, 1.0, 0.0], 300.0, [1.0, -1.0, 0.0]),
        (Task.REGRESSION, [1.5], [1.0], 0.25, [1.0]),
    ],
)
def test_losses_and_slopes_by_hand(
    task: Task, logits: list[float], targets: list[float], loss: float, slopes: list[float]
) -> None:
    losses, found = loss_and_slope(tf.constant([[logits]]), tf.constant([[targets]]), task)
    assert losses.numpy().tolist() == [[pytest.approx(loss, abs=1e-5)]]
    assert found.numpy().tolist() == [[pytest.approx(slopes, abs=1e-6)]]


def test_a_head_comes_back_and_no_other_shape_is_taken() -> None:
    model, _ = made(Task.BINARY)
    head = {name: values.numpy() for name, values in model.get_head().items()}
    assert {name: values.shape for name, values in head.items()} == {"kernel": (2, 4, 1), "bias": (2, 1)}
    before = model.score(ROWS).numpy()
    model.train(ROWS, LABELS[Task.BINARY], tf.constant(0.25))
    assert model.set_head(**{name: tf.constant(values) for name, values in head.items()})["size"].numpy() == 10
    np.testing.assert_array_equal(model.score(ROWS).numpy(), before)
    swapped: Any = {**head, "kernel": head["kernel"].transpose(1, 0, 2)}
    with pytest.raises(tf.errors.InvalidArgumentError):
        model.set_head(**{name: tf.constant(values) for name, values in swapped.items()})


def test_a_feature_of_a_reserved_name_leaves_the_form_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    problem = bound_problem().problem
    named = problem.model_copy(
        update={"features": {**problem.features, "label": Feature(encoding=Encoding.VOCABULARY)}}
    )
    known = dataclasses.replace(KNOWN, vocabularies={**KNOWN.vocabularies, "label": (b"a",)})
    bound = BoundProblem(problem=named, domains=bound_problem().domains)
    assert not export_trainable(TrainableModel(bound, known, build_network(bound, known)), tmp_path)
    assert "'train' takes a 'label' besides the feature" in caplog.text
    assert list(tmp_path.iterdir()) == []
