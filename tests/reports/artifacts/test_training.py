"""Training's curves, read back from what TensorFlow writes."""

from pathlib import Path

import pytest
import tensorflow as tf

from reports.artifacts.training import TrainingCurve, best_epoch, load_training


def test_scalars_are_read_by_epoch_and_split(tmp_path: Path) -> None:
    for folder, losses in (("train", (0.5, 0.25)), ("validation", (0.75, 1.0))):
        with tf.summary.create_file_writer(str(tmp_path / folder)).as_default():
            for epoch, loss in enumerate(losses):
                tf.summary.scalar("epoch_loss", loss, epoch)
                tf.summary.scalar("batch_loss", loss, epoch)
    found = load_training(tmp_path)

    assert found == [TrainingCurve("loss", {"train": {1: 0.5, 2: 0.25}, "eval": {1: 0.75, 2: 1.0}})]
    assert best_epoch(found) == 1


def test_a_folder_without_logs_has_no_curve(tmp_path: Path) -> None:
    assert load_training(tmp_path) == []
    assert best_epoch([]) is None


@pytest.mark.parametrize(("losses", "best"), [({1: float("nan"), 2: 0.5}, 2), ({1: float("nan")}, None)])
def test_an_epoch_without_a_loss_is_not_the_best(losses: dict[int, float], best: int | None) -> None:
    assert best_epoch([TrainingCurve("loss", {"eval": losses})]) == best
