"""The one training loop: it learns, stops, averages, resumes and starts warm, on one device and on two."""

import math
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from models.data.dataset import Source, make_dataset, training_source
from models.network.network import build_network
from models.training.callbacks import checkpoint_fault
from models.training.fit import AveragingAdamW, FitPaths, MemberLoss, ScoreAuc, Steps, fit, member_mean, plan_steps
from models.training.strategies import make_strategy
from models.training.training_options import Training
from models.training.warm_start import save_weights
from schema.errors import InputError, PipelineError
from schema.notices import collected_notices
from schema.problem import Task
from schema.row_ledger import read_counts
from tests.damage import flip_bit
from tests.models.training_case import STATISTICS, bound_problem, in_a_process_of_its_own, rows, write_shards

ROOT = Path(__file__).resolve().parents[3]
STILL = 1e-9  # a learning rate that moves no weight by as much as the tests look at


@pytest.fixture(scope="module")
def train(examples: Path) -> Source:
    """64 rows."""
    return training_source([f"{examples}/Split-train/*"])


@pytest.fixture(scope="module")
def evaluation(examples: Path) -> Source:
    """21 rows of the same kind."""
    return training_source([f"{examples}/Split-eval/*"])


@pytest.fixture(scope="module")
def contrary(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """21 rows with the labels the other way round: the better the training, the worse their loss."""
    return write_shards(tmp_path_factory.mktemp("contrary"), "eval", [rows(21, flipped=True)])


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the trainings below leave their traces, each under its name."""
    return tmp_path_factory.mktemp("trainings")


@pytest.fixture(scope="module")
def plain(train: Source, evaluation: Source, folders: Path) -> tf_keras.Model:
    """Trained for three epochs without averaging."""
    return trained(train, evaluation, folders / "plain", resumes=True, epochs=3)


@pytest.fixture(scope="module")
def averaged(train: Source, evaluation: Source, folders: Path) -> tf_keras.Model:
    """The same with averaging."""
    return trained(train, evaluation, folders / "averaged", resumes=True, epochs=3, averaging=0.99)


@pytest.fixture(scope="module")
def stopped(train: Source, contrary: Source, folders: Path) -> tf_keras.Model:
    """Trained while the loss that is watched grew."""
    return trained(train, contrary, folders / "stopped", resumes=True, epochs=9, patience=2)


def left_by(training: str, folders: Path, tmp_path: Path) -> Path:
    """A copy of what a training left, as if it had been killed before its model was exported."""
    return shutil.copytree(folders / training, tmp_path / training)


def trained(
    train: Source,
    evaluation: Source,
    folder: Path,
    *,
    task: Task = Task.BINARY,
    resumes: bool = False,
    warm_start: Path | None = None,
    options: Training | None = None,
    **network: Any,
) -> tf_keras.Model:
    """A training on one device that leaves its traces in `folder`."""
    paths = FitPaths(logs=folder / "logs", checkpoint=folder / "checkpoint" if resumes else None, warm_start=warm_start)
    bound = bound_problem(task, **network)
    return fit(bound, STATISTICS, train, evaluation, make_strategy("none"), options or Training(), paths)


def losses(network: tf_keras.Model, name: str = "loss") -> list[float]:
    """The loss of each epoch."""
    found: list[float] = network.history.history[name]
    return found


def loss_on(network: tf_keras.Model, source: Source) -> float:
    """Mean loss over all rows of a binary problem."""
    features, label = next(iter(make_dataset(source, bound_problem(), 1000, training=False)))
    return float(tf.reduce_mean(MemberLoss(Task.BINARY).call(label, network(features))))


def assert_equal_weights(left: tf_keras.Model, right: tf_keras.Model) -> None:
    """All weights are the same, bit for bit."""
    for one, other in zip(left.get_weights(), right.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def largest_difference(left: tf_keras.Model, right: tf_keras.Model) -> float:
    """Of any weight."""
    pairs = zip(left.get_weights(), right.get_weights(), strict=True)
    return max(float(np.abs(one - other).max()) for one, other in pairs)


def test_a_binary_loss_is_the_mean_of_its_members_losses() -> None:
    logits = tf.math.log(tf.constant([[[1.0], [3.0]], [[1.0], [3.0]]]))  # probabilities 1/2 and 3/4

    found = MemberLoss(Task.BINARY).call(tf.constant([1, 0]), logits)

    np.testing.assert_allclose(found, [(math.log(2) + math.log(4 / 3)) / 2, (math.log(2) + math.log(4)) / 2], 1e-6)


def test_a_multiclass_loss_is_the_mean_of_its_members_losses() -> None:
    logits = tf.math.log(tf.constant([[[1.0, 1.0, 2.0], [1.0, 1.0, 8.0]]]))  # 2/4 and 8/10 for the last class

    np.testing.assert_allclose(
        MemberLoss(Task.MULTICLASS).call(tf.constant([2]), logits), [(math.log(2) + math.log(1.25)) / 2], 1e-6
    )


def test_a_regression_loss_is_the_mean_of_its_members_losses() -> None:
    values = tf.constant([[[1.0], [4.0]]])

    assert MemberLoss(Task.REGRESSION).call(tf.constant([2.0]), values).numpy().tolist() == [2.5]  # (1 + 4) / 2


@pytest.mark.parametrize(
    ("task", "logits", "scores"),
    [
        (Task.BINARY, np.log([[[1.0], [3.0]]]), [[0.625]]),
        (Task.MULTICLASS, np.log([[[1.0, 1.0, 2.0], [1.0, 1.0, 8.0]]]), [[0.175, 0.175, 0.65]]),
        (Task.REGRESSION, [[[1.0], [4.0]]], [[2.5]]),
    ],
)
def test_members_are_averaged_as_probabilities_or_values(task: Task, logits: Any, scores: Any) -> None:
    np.testing.assert_allclose(member_mean(tf.constant(logits, tf.float32), task), scores, rtol=1e-6)


def test_auc_is_that_of_the_mean_probability() -> None:
    metric = ScoreAuc()
    # The first member alone would put the rows in the wrong order; the mean probabilities are 0.5 and 0.55.
    metric.update_state(tf.constant([0, 1]), tf.constant([[[2.0], [-2.0]], [[-3.0], [3.5]]]))

    assert float(metric.result()) == 1.0


@pytest.mark.parametrize(
    ("train_rows", "eval_rows", "replicas", "expected"),
    [
        (64, 21, 1, Steps(batch=8, training=8, validation=3)),  # 8 + 8 + 5 rows
        (64, 21, 2, Steps(batch=16, training=4, validation=2)),
        (70, 16, 2, Steps(batch=16, training=4, validation=1)),  # six rows wait for the next epoch
        (5, 9, 2, Steps(batch=4, training=1, validation=3)),  # two rows a replica: there are no eight
        (1, 1, 1, Steps(batch=1, training=1, validation=1)),
    ],
)
def test_steps_are_whole_batches_on_each_replica(
    train_rows: int, eval_rows: int, replicas: int, expected: Steps, tmp_path: Path
) -> None:
    train = write_shards(tmp_path, "train", [rows(train_rows)])
    evaluation = write_shards(tmp_path, "eval", [rows(eval_rows)])

    assert plan_steps(train, evaluation, 8, replicas) == expected


def test_a_split_smaller_than_the_replicas_is_named(tmp_path: Path) -> None:
    train = write_shards(tmp_path, "train", [rows(9)])
    evaluation = write_shards(tmp_path, "eval", [rows(3)])

    with pytest.raises(InputError, match=r"split 'eval': expected a row for each of 4 replicas\. Received: 3"):
        plan_steps(train, evaluation, 8, replicas=4)


def test_a_training_learns(plain: tf_keras.Model, evaluation: Source) -> None:
    assert losses(plain)[2] < losses(plain)[1] < losses(plain)[0]
    assert losses(plain, "val_auc")[-1] == 1.0
    assert loss_on(plain, evaluation) == pytest.approx(losses(plain, "val_loss")[-1], rel=1e-5)


@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.REGRESSION])
def test_the_other_tasks_learn_too(task: Task, tmp_path: Path) -> None:
    some = [{**row, "late": float(row["late"]) if task is Task.REGRESSION else row["late"]} for row in rows(48)]
    source = write_shards(tmp_path, "train", [some])

    found = trained(source, source, tmp_path, task=task, epochs=3)

    assert losses(found, "val_loss")[2] < losses(found, "val_loss")[0]


def test_a_seed_decides_a_training(plain: tf_keras.Model, train: Source, evaluation: Source, tmp_path: Path) -> None:
    again = trained(train, evaluation, tmp_path, epochs=3)
    other = trained(train, evaluation, tmp_path, epochs=3, options=Training(seed=8))

    assert_equal_weights(plain, again)
    assert largest_difference(plain, other) > 0.1


def test_a_training_leaves_its_curves_for_tensorboard_and_its_rows(
    train: Source, evaluation: Source, tmp_path: Path
) -> None:
    trained(train, evaluation, tmp_path, epochs=1, batch_size=24)

    # Two batches of 24 of the 64 rows; all 21 are validated, though they are no whole batch.
    learnt, validated = read_counts(tmp_path / "logs")
    assert (learnt.rows, learnt.expected, learnt.dropped) == (48, 64, {"left for the next epoch": 16})
    assert (validated.rows, validated.expected, validated.dropped) == (21, 21, {})
    assert sorted(path.parent.name for path in tmp_path.rglob("events.out.tfevents.*")) == ["train", "validation"]


def test_a_step_has_points_of_its_own(train: Source, evaluation: Source, tmp_path: Path) -> None:
    trained(train, evaluation, tmp_path, epochs=2)  # of 8 steps

    curves = EventAccumulator(str(tmp_path / "logs" / "train"), size_guidance={"tensors": 0}).Reload()

    assert {"batch_loss", "batch_steps_per_second", "epoch_loss"} <= set(curves.Tags()["tensors"])
    assert [event.step for event in curves.Tensors("batch_loss")] == list(range(1, 17))


def test_a_profile_has_its_steps_and_their_input_and_changes_no_weight(
    plain: tf_keras.Model, train: Source, evaluation: Source, tmp_path: Path
) -> None:
    found = trained(train, evaluation, tmp_path, epochs=3, options=Training(profile_steps=5))

    assert_equal_weights(plain, found)
    names = profiled_names(tmp_path / "logs")
    assert names["train"] == 5
    assert any(name.startswith("Iterator::") for name in names)


def test_a_profile_longer_than_an_epoch_ends_with_it(train: Source, evaluation: Source, tmp_path: Path) -> None:
    trained(train, evaluation, tmp_path, epochs=2, options=Training(profile_steps=100))

    assert profiled_names(tmp_path / "logs")["train"] == 8


def test_a_profiler_that_is_taken_costs_a_warning_and_not_the_training(
    plain: tf_keras.Model, train: Source, evaluation: Source, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tf.profiler.experimental.start(str(tmp_path / "another"))
    try:
        found = trained(train, evaluation, tmp_path, epochs=3, options=Training(profile_steps=5))
    finally:
        tf.profiler.experimental.stop(save=False)

    assert_equal_weights(plain, found)
    assert not list((tmp_path / "logs").rglob("*.xplane.pb"))
    assert "training: no profile is taken, for the profiler did not start: " in caplog.text


def profiled_names(logs: Path) -> Counter[str]:
    """How often each event is in the one profile below the folder."""
    (file,) = logs.glob("plugins/profile/*/*.xplane.pb")
    space = xplane_pb2.XSpace.FromString(file.read_bytes())
    return Counter(
        plane.event_metadata[event.metadata_id].name
        for plane in space.planes
        for line in plane.lines
        for event in line.events
    )


def test_what_is_returned_is_the_network_alone(plain: tf_keras.Model) -> None:
    assert getattr(plain, "optimizer", None) is None
    assert plain.distribute_strategy is tf.distribute.get_strategy()


def test_training_stops_after_epochs_without_a_better_one(stopped: tf_keras.Model, contrary: Source) -> None:
    assert stopped.history.epoch == [0, 1, 2]
    assert losses(stopped, "val_loss") == sorted(losses(stopped, "val_loss"))
    # Not the last epoch's weights but the best one's.
    assert loss_on(stopped, contrary) == pytest.approx(losses(stopped, "val_loss")[0], rel=1e-5)


def test_a_step_of_the_average_is_worked_out() -> None:
    weight = tf.Variable([0.0])
    optimizer = AveragingAdamW(1.0, weight_decay=0.0, use_ema=True, ema_momentum=0.15, ema_overwrite_frequency=None)
    optimizer.build([weight])

    seen = []
    for _ in range(2):
        optimizer.apply_gradients([(tf.constant([-1.0]), weight)])  # Adam's step is 1 while the gradient stays
        seen.append(float(weight[0]))
    optimizer.finalize_variable_values([weight])

    assert seen == pytest.approx([1.0, 2.0], rel=1e-4)
    # Momentum 1/10, then min(0.15, 2/11): 0.1 * 0 + 0.9 * 1 = 0.9, and 0.15 * 0.9 + 0.85 * 2 = 1.835.
    assert float(weight[0]) == pytest.approx(1.835, rel=1e-4)


def test_averages_are_judged_and_kept_while_training_goes_on_from_its_own_weights(
    plain: tf_keras.Model, averaged: tf_keras.Model, evaluation: Source
) -> None:
    assert losses(averaged) == losses(plain)
    assert losses(averaged, "val_loss") != losses(plain, "val_loss")
    assert loss_on(averaged, evaluation) == pytest.approx(min(losses(averaged, "val_loss")), rel=1e-5)
    assert loss_on(plain, evaluation) != pytest.approx(loss_on(averaged, evaluation), rel=1e-3)


@pytest.mark.usefixtures("plain")
def test_a_backup_holds_trainings_own_weights_and_the_best_averages(averaged: tf_keras.Model, folders: Path) -> None:
    backups = [tf.train.load_checkpoint(str(folders / name / "checkpoint")) for name in ("averaged", "plain")]
    for place, best in enumerate(averaged.get_weights()):
        own, without = (backup.get_tensor(f"weights/{place}/.ATTRIBUTES/VARIABLE_VALUE") for backup in backups)
        np.testing.assert_array_equal(own, without)
        np.testing.assert_array_equal(backups[0].get_tensor(f"best_weights/{place}/.ATTRIBUTES/VARIABLE_VALUE"), best)


def test_a_resumed_training_goes_the_way_of_an_unbroken_one(train: Source, contrary: Source, tmp_path: Path) -> None:
    # Epochs of 64 rows, whose batches reach from one into the next.
    network = {"batch_size": 10, "averaging": 0.9, "epochs": 4}
    unbroken = trained(train, contrary, tmp_path / "unbroken", **network, patience=9)
    trained(train, contrary, tmp_path / "broken", resumes=True, **network, patience=1)

    resumed = trained(train, contrary, tmp_path / "broken", resumes=True, **network, patience=9)

    assert resumed.history.epoch == [2, 3]
    np.testing.assert_allclose(losses(resumed), losses(unbroken)[2:], rtol=1e-4)
    np.testing.assert_allclose(losses(resumed, "val_loss"), losses(unbroken, "val_loss")[2:], rtol=1e-4)


def test_a_training_killed_after_its_last_epoch_ends_with_the_same_model(
    averaged: tf_keras.Model, train: Source, evaluation: Source, folders: Path, tmp_path: Path
) -> None:
    folder = left_by("averaged", folders, tmp_path)

    resumed = trained(train, evaluation, folder, resumes=True, epochs=3, averaging=0.99)

    assert resumed.history.epoch == []
    assert_equal_weights(resumed, averaged)


@pytest.mark.parametrize("suffix", ["data-00000-of-00001", "index"])
@pytest.mark.parametrize("place", [0.01, 0.5, 0.99])
def test_a_flipped_bit_in_a_checkpoint_is_found(tmp_path: Path, suffix: str, place: float) -> None:
    saved = tf.train.Checkpoint(weights=[tf.Variable(tf.random.normal([9])), tf.Variable(3)]).write(f"{tmp_path}/saved")
    assert checkpoint_fault(saved) is None
    flip_bit(Path(f"{saved}.{suffix}"), place)
    assert checkpoint_fault(saved)


def test_a_training_with_a_damaged_checkpoint_begins_anew_and_says_so(
    plain: tf_keras.Model, train: Source, evaluation: Source, folders: Path, tmp_path: Path
) -> None:
    folder = left_by("plain", folders, tmp_path)
    [file] = (folder / "checkpoint").glob("*.data-*")
    flip_bit(file)

    with collected_notices() as notices:
        again = trained(train, evaluation, folder, resumes=True, epochs=3)

    assert again.history.epoch == [0, 1, 2]
    assert_equal_weights(again, plain)
    assert [notice.split(": ")[:2] for notice in notices] == [[str(file.with_suffix("")), "damaged"]]


def test_a_resumed_training_remembers_its_best_epoch(
    stopped: tf_keras.Model, train: Source, contrary: Source, folders: Path, tmp_path: Path
) -> None:
    folder = left_by("stopped", folders, tmp_path)

    resumed = trained(train, contrary, folder, resumes=True, epochs=9, patience=3)

    assert resumed.history.epoch == [3]
    assert losses(resumed, "val_loss")[0] > losses(stopped, "val_loss")[0]
    assert_equal_weights(resumed, stopped)


def test_a_resumed_training_remembers_that_it_had_stopped(
    stopped: tf_keras.Model, train: Source, contrary: Source, folders: Path, tmp_path: Path
) -> None:
    folder = left_by("stopped", folders, tmp_path)

    resumed = trained(train, contrary, folder, resumes=True, epochs=9, patience=2)

    assert resumed.history.epoch == []
    assert_equal_weights(resumed, stopped)


@pytest.mark.parametrize("averaging", [0.0, 0.99])
def test_a_warm_training_begins_from_the_baseline(
    averaging: float, plain: tf_keras.Model, train: Source, evaluation: Source, tmp_path: Path
) -> None:
    save_weights(plain, tmp_path / "weights.npz", bound_problem(), STATISTICS)

    found = trained(
        train,
        evaluation,
        tmp_path,
        epochs=1,
        averaging=averaging,
        learning_rate=STILL,
        warm_start=tmp_path / "weights.npz",
    )

    assert largest_difference(found, plain) < 1e-6
    assert losses(found)[0] < losses(plain)[-1]


def test_a_training_that_diverges_ends_with_a_sentence(evaluation: Source, tmp_path: Path) -> None:
    broken = write_shards(tmp_path, "train", [[{**row, "distance": math.nan} for row in rows(16)]])

    with pytest.raises(PipelineError, match=r"training: loss is nan after epoch 1, so no model is exported\. Lower"):
        trained(broken, evaluation, tmp_path, epochs=3, resumes=True)
    assert not (tmp_path / "checkpoint").exists()


def test_an_epoch_that_breaks_only_validation_ends_with_a_sentence(train: Source, tmp_path: Path) -> None:
    broken = write_shards(tmp_path, "eval", [[{**row, "distance": math.nan} for row in rows(16)]])

    with pytest.raises(PipelineError, match=r"training: val_loss is nan after epoch 1"):
        trained(train, broken, tmp_path, epochs=3)


@pytest.mark.slow
def test_a_step_compiled_by_xla_learns_the_same(
    plain: tf_keras.Model, train: Source, evaluation: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    compiled = tf_keras.Model.compile

    def compile_(model: tf_keras.Model, **options: Any) -> None:
        compiled(model, **options)
        asked.append(model.jit_compile)

    monkeypatch.setattr(tf_keras.Model, "compile", compile_)
    found = trained(train, evaluation, tmp_path, epochs=3, options=Training(jit_compile=True))

    assert asked == [True]
    np.testing.assert_allclose(losses(found), losses(plain), rtol=1e-4)
    np.testing.assert_allclose(losses(found, "val_loss"), losses(plain, "val_loss"), rtol=1e-4)


@pytest.mark.slow
def test_two_replicas_learn_what_one_learns_from_twice_the_batch(examples: Path, tmp_path: Path) -> None:
    for split in ("train", "eval"):
        (tmp_path / f"Split-{split}").symlink_to(examples / f"Split-{split}")
    save_weights(build_network(bound_problem(), STATISTICS), tmp_path / "start.npz", bound_problem(), STATISTICS)

    found = in_a_process_of_its_own("mirrored", tmp_path)

    assert found["replicas"] == 2
    two, one = found["two of 8"], found["one of 16"]
    assert two["history"]["loss"][-1] < two["history"]["loss"][0]
    for name in ("loss", "auc", "val_loss", "val_auc"):
        np.testing.assert_allclose(two["history"][name], one["history"][name], rtol=1e-4)
    for left, right in zip(two["weights"], one["weights"], strict=True):
        np.testing.assert_allclose(left, right, atol=1e-3)
