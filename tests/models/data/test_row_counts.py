"""Rows that a training is given, from literal shards: all of them, or an error with both numbers."""

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
import tf_keras

from models.data import dataset as reader
from models.data.dataset import Source, make_dataset, training_source
from models.data.row_counts import DueRows, EpochRows, RowsSeen, raising_row_counts, training_counts
from models.preprocessing.records import write_split_rows
from models.training.fit import FitPaths, fit
from models.training.training_options import Training
from schema.errors import RowCountError
from schema.row_ledger import has_counts, read_counts
from tests.models.training_case import STATISTICS, bound_problem, write_examples


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """64 rows to train on in two shards, 21 to validate on, counted by who wrote them."""
    write_split_rows(write_examples(tmp_path / "examples"), {"train": 64, "eval": 21})
    return tmp_path / "examples"


def source(examples: Path, split: str) -> Source:
    return training_source([f"{examples}/Split-{split}/*"])


def lose_a_record(examples: Path, split: str) -> None:
    shard = str(max((examples / f"Split-{split}").iterdir()))
    records = list(tf.data.TFRecordDataset(shard, "GZIP").as_numpy_iterator())
    with tf.io.TFRecordWriter(shard, "GZIP") as writer:
        for record in records[1:]:
            writer.write(record)


def train(examples: Path, logs: Path, *, epochs: int = 1, checkpoint: Path | None = None) -> tf_keras.Model:
    """Epochs of two batches of 24 rows."""
    bound = bound_problem(batch_size=24, hidden_units=(2,), epochs=epochs)
    return fit(
        bound,
        STATISTICS,
        source(examples, "train"),
        source(examples, "eval"),
        tf.distribute.get_strategy(),
        Training(),
        FitPaths(logs, checkpoint),
    )


def test_a_row_that_validation_did_not_get_stops_the_training(examples: Path, tmp_path: Path) -> None:
    lose_a_record(examples, "eval")

    with pytest.raises(RowCountError) as caught:
        train(examples, tmp_path / "logs")

    assert "validated per epoch, split 'eval': 20 rows, expected 21 in transformed Examples" in str(caught.value)
    assert not list((tmp_path / "logs").glob("*.json"))


def test_a_row_that_is_gone_from_a_resident_split_stops_it_before_it_begins(examples: Path) -> None:
    lose_a_record(examples, "train")

    with pytest.raises(RowCountError, match=r"training: split 'train': 63 rows read, expected 64\. A transformed"):
        make_dataset(source(examples, "train"), bound_problem(), 24, training=True)


def test_a_row_that_a_split_has_too_many_stops_it_too(examples: Path) -> None:
    write_split_rows(examples, {"train": 63, "eval": 21})

    with pytest.raises(RowCountError, match="64 rows read, expected 63"):
        make_dataset(source(examples, "train"), bound_problem(), 24, training=True)


def test_a_row_that_is_gone_from_a_stream_stops_its_epoch(examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_RESIDENT_BYTES", 0)
    lose_a_record(examples, "train")
    stream = make_dataset(source(examples, "train"), bound_problem(), 24, training=True)

    with pytest.raises(RowCountError, match="64 elements but contained only 63 elements"), raising_row_counts():
        list(stream.take(3).as_numpy_iterator())


@pytest.mark.parametrize(
    ("rows", "said"), [(65, "but contained only 64 elements"), (63, "but contained at least 64 elements")]
)
def test_a_stream_of_other_rows_stops_the_first_epoch_though_its_batches_are_whole(
    examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, said: str
) -> None:
    """Two batches of 24 leave 16 rows or so of 64: those read so far are as many as are due."""
    monkeypatch.setattr(reader, "_RESIDENT_BYTES", 0)
    monkeypatch.setattr(reader, "_SHUFFLE_ROWS", 1)
    write_split_rows(examples, {"train": rows, "eval": 21})

    with pytest.raises(RowCountError, match=f"an epoch's rows of split 'train': .* {rows} elements {said}"):
        train(examples, tmp_path / "logs")

    assert not has_counts(tmp_path / "logs")


@pytest.mark.parametrize("index", [0, 1])
def test_each_share_of_a_stream_is_read_to_its_end_in_its_first_epoch(
    examples: Path, monkeypatch: pytest.MonkeyPatch, index: int
) -> None:
    """Of 64 rows two workers have 32 each, of which an epoch takes 24."""
    monkeypatch.setattr(reader, "_RESIDENT_BYTES", 0)
    monkeypatch.setattr(reader, "_SHUFFLE_ROWS", 1)
    write_split_rows(examples, {"train": 66, "eval": 21})
    share = tf.distribute.InputContext(num_input_pipelines=2, input_pipeline_id=index, num_replicas_in_sync=2)
    stream = make_dataset(source(examples, "train"), bound_problem(), 16, training=True, context=share)

    with pytest.raises(RowCountError, match="33 elements but contained only 32 elements"), raising_row_counts():
        list(stream.take(3).as_numpy_iterator())


def test_an_epoch_with_other_rows_than_the_rest_is_the_one_that_is_told() -> None:
    trained, validated = training_counts(
        {"rows": [48.0, 40.0, 48.0], "val_rows": [21.0, 21.0, 21.0]}, DueRows(64, 48, 21), "prune"
    )

    assert str(trained) == (
        "trained per epoch, prune, split 'train': 40 rows and 16 left for the next epoch, "
        "expected 64 in transformed Examples"
    )
    assert validated.agrees


class KilledError(Exception):
    """The process ends here."""


def train_and_be_killed(examples: Path, folder: Path, epochs: int) -> None:
    """A training that ends after its last epoch, before its rows are compared with those due and its model exported."""

    def kill(*_: Any) -> None:
        raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.training.fit.training_counts", kill)
        with pytest.raises(KilledError):
            train(examples, folder / "killed", epochs=epochs, checkpoint=folder / "checkpoint")
    assert (folder / "checkpoint").is_dir()
    assert not has_counts(folder / "killed")


def test_a_training_resumed_after_its_last_epoch_has_the_rows_of_those_before(examples: Path, tmp_path: Path) -> None:
    train_and_be_killed(examples, tmp_path, epochs=2)

    resumed = train(examples, tmp_path / "logs", epochs=2, checkpoint=tmp_path / "checkpoint")

    assert resumed.history.epoch == []
    assert [str(count) for count in read_counts(tmp_path / "logs")] == [
        "trained per epoch, split 'train': 48 rows and 16 left for the next epoch, expected 64 in transformed Examples",
        "validated per epoch, split 'eval': 21 rows, expected 21 in transformed Examples",
    ]


def test_an_epoch_before_a_resume_that_lost_rows_stops_the_training_and_its_checkpoint_goes(
    examples: Path, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "checkpoint"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RowsSeen, "result", lambda metric: metric.seen - 1)
        train_and_be_killed(examples, tmp_path, epochs=1)

    with pytest.raises(RowCountError, match="trained per epoch, split 'train': 47 rows and 16 left"):
        train(examples, tmp_path / "logs", checkpoint=checkpoint)

    assert not checkpoint.exists()
    assert not has_counts(tmp_path / "logs")
    train(examples, tmp_path / "logs", checkpoint=checkpoint)
    assert has_counts(tmp_path / "logs")


def test_only_epochs_that_ran_have_rows() -> None:
    rows = EpochRows(epochs=3)
    rows.on_epoch_end(0, {"rows": 48.0, "val_rows": 21.0})
    rows.on_epoch_end(1, {"rows": 47.0, "val_rows": 0.0})

    assert rows.history() == {"rows": [48, 47], "val_rows": [21, 0]}


def test_a_training_without_an_epoch_counts_nothing() -> None:
    assert training_counts({}, DueRows(64, 48, 21)) == []


def test_an_epoch_of_several_passes_has_more_rows_than_its_split() -> None:
    [trained] = training_counts({"rows": [192.0]}, DueRows(64, 192, 21))

    assert trained.agrees
    assert (trained.rows, trained.dropped) == (192, {})
    [lost] = training_counts({"rows": [184.0]}, DueRows(64, 192, 21))
    assert not lost.agrees
