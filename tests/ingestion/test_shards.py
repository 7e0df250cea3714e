"""Shards of blocks, gathered under TFX's names, whatever an attempt before this one has left."""

import json
from contextlib import suppress
from pathlib import Path

import pytest

from ingestion.shards import Place, aside, gather, split_writers
from ingestion.splits import SPLITS
from tests.ingestion.span_case import shards

ROWS = {Place(0, 0): {"train": 1, "eval": 0, "test": 1}, Place(0, 1): {"train": 0, "eval": 0, "test": 2}}
NAMES = {
    "train": ["data_tfrecord-00000-of-00001.gz"],
    "eval": ["data_tfrecord-00000-of-00001.gz"],
    "test": ["data_tfrecord-00000-of-00002.gz", "data_tfrecord-00001-of-00002.gz"],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A span's place, beside which the shards of two blocks wait; each holds its own name."""
    for place in ROWS:
        for split in SPLITS:
            waiting = aside(tmp_path / "out") / f"Split-{split}" / place.shard
            waiting.parent.mkdir(parents=True, exist_ok=True)
            waiting.write_text(place.shard, encoding="utf-8")
    return tmp_path / "out"


def names(folder: Path) -> dict[str, list[str]]:
    """The shards of each split."""
    return {split: [path.name for path in shards(folder, split)] for split in SPLITS}


def test_blocks_stand_in_order_and_those_without_rows_are_left_out(folder: Path) -> None:
    gather(folder, dict(reversed(ROWS.items())), unlabelled=4)

    assert names(folder) == NAMES
    assert [path.read_text(encoding="utf-8") for path in shards(folder, "test")] == [
        "00000-000000.gz",
        "00000-000001.gz",
    ]
    assert json.loads((folder / "rows.json").read_text(encoding="utf-8")) == {
        "unlabelled": 4,
        "train": 1,
        "eval": 0,
        "test": 3,
    }
    assert not aside(folder).exists()


def test_a_second_attempt_after_a_whole_one_changes_nothing(folder: Path) -> None:
    gather(folder, ROWS, unlabelled=0)
    gather(folder, ROWS, unlabelled=0)

    assert names(folder) == NAMES


def test_an_attempt_that_was_cut_short_is_finished(folder: Path) -> None:
    train = aside(folder) / "Split-train"
    (train / Place(0, 0).shard).rename(train / NAMES["train"][0])

    gather(folder, ROWS, unlabelled=0)

    assert names(folder) == NAMES


def test_what_a_lost_worker_left_is_no_shard(folder: Path) -> None:
    (aside(folder) / "Split-train" / ".00000-000000.gz.lost").write_text("half", encoding="utf-8")

    gather(folder, ROWS, unlabelled=0)

    assert names(folder) == NAMES


def test_shards_appear_when_all_are_whole(tmp_path: Path) -> None:
    with split_writers(tmp_path / "out", Place(0, 0)) as writers:
        writers[0].write(b"record")
        assert not list(tmp_path.rglob("00000-000000.gz"))

    assert len(list(tmp_path.rglob("00000-000000.gz"))) == 3
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 3


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with suppress(ValueError), split_writers(tmp_path / "out", Place(0, 0)) as writers:
        writers[0].write(b"record")
        raise ValueError

    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
