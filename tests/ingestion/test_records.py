"""Shards of literal rows as Arrow batches."""

from pathlib import Path

import pytest

from ingestion.records import example_batches
from schema.errors import DamagedFileError
from tests.damage import flip_bit
from tests.models.rows_case import SCHEMA, Row, write_rows

FIRST: list[Row] = [{"soil": "clay", "week": 8, "wet": 0}, {"week": 9, "rain": 1.5, "wet": 1}]
SECOND: list[Row] = [{"soil": "löss", "wet": 1}]


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    """Two shards, of two rows and one."""
    return [write_rows(rows, tmp_path / str(place)) for place, rows in enumerate((FIRST, SECOND))]


def test_rows_come_in_the_shards_order_and_a_gap_is_a_null(shards: list[Path]) -> None:
    (batch,) = example_batches(shards, SCHEMA)
    assert batch.column("soil").to_pylist() == [[b"clay"], None, ["löss".encode()]]
    assert batch.column("week").to_pylist() == [[8], [9], None]
    assert batch.column("rain").to_pylist() == [None, [1.5], None]


def test_a_batch_has_at_most_so_many_rows_and_reaches_over_shards(shards: list[Path]) -> None:
    assert [batch.num_rows for batch in example_batches(shards, SCHEMA, rows=2)] == [2, 1]
    assert [batch.num_rows for batch in example_batches(reversed(shards), SCHEMA, rows=2)] == [2, 1]


def test_no_shards_have_no_batches() -> None:
    assert list(example_batches([], SCHEMA)) == []


def test_a_shard_that_cannot_be_read_is_named(shards: list[Path]) -> None:
    flip_bit(shards[1], 0.6)
    with pytest.raises(DamagedFileError, match=f"^{shards[1]}: damaged: "):
        list(example_batches(shards, SCHEMA))
