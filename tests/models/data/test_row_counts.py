"""Rows that a training is given, from literal shards: all of them, or an error with both numbers."""

from pathlib import Path

import pytest
import tensorflow as tf

from models.data import dataset as reader
from models.data.dataset import Source, make_dataset, training_source
from models.data.row_counts import DueRows, raising_row_counts, training_counts
from models.preprocessing.records import write_split_rows
from models.training.fit import FitPaths, fit
from models.training.training_options import Training
from schema.errors import RowCountError
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


def train(examples: Path, logs: Path) -> None:
    """An epoch of two batches of 24 rows."""
    bound = bound_problem(batch_size=24, hidden_units=(2,), epochs=1)
    fit(
        bound,
        STATISTICS,
        source(examples, "train"),
        source(examples, "eval"),
        tf.distribute.get_strategy(),
        Training(),
        FitPaths(logs=logs),
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


def test_an_epoch_with_other_rows_than_the_rest_is_the_one_that_is_told() -> None:
    trained, validated = training_counts(
        {"rows": [48.0, 40.0, 48.0], "val_rows": [21.0, 21.0, 21.0]}, DueRows(64, 48, 21), "prune"
    )

    assert str(trained) == (
        "trained per epoch, prune, split 'train': 40 rows and 16 left for the next epoch, "
        "expected 64 in transformed Examples"
    )
    assert validated.agrees


def test_a_training_without_an_epoch_to_go_counts_nothing() -> None:
    assert training_counts({}, DueRows(64, 48, 21)) == []


def test_an_epoch_of_several_passes_has_more_rows_than_its_split() -> None:
    [trained] = training_counts({"rows": [192.0]}, DueRows(64, 192, 21))

    assert trained.agrees
    assert (trained.rows, trained.dropped) == (192, {})
    [lost] = training_counts({"rows": [184.0]}, DueRows(64, 192, 21))
    assert not lost.agrees
