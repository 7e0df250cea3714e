"""Reading raw shards: in batches, in order, and a sample that is spread over all of them."""

from pathlib import Path
from typing import Any

import pytest

from models.export import raw_rows
from models.export.raw_rows import read_rows, row_batches
from tests.models.rows_case import Row, bound_problem, known_columns, write_rows


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Ten rows in shards of unlike sizes, as spans are; the n-th has the area n and is wet if n is odd."""
    folder = tmp_path_factory.mktemp("shards")
    rows: list[Row] = [{"soil": "clay", "week": 8, "rain": 0.5, "area": n, "wet": n % 2} for n in range(10)]
    return [write_rows(part, folder / str(place)) for place, part in enumerate((rows[:3], [], rows[3:9], rows[9:]))]


def areas(columns: dict[str, Any]) -> list[float]:
    """The rows by their areas."""
    found: list[float] = columns["area"].tolist()
    return found


def test_all_rows_come_in_order(shards: list[Path]) -> None:
    rows = read_rows(shards, bound_problem(), known_columns())

    assert areas(rows.columns) == list(range(10))
    assert rows.labels.tolist() == [0, 1] * 5
    assert (len(rows), len(rows.serialized), rows.keys) == (10, 10, None)


def test_a_limit_takes_rows_evenly_from_all_shards_and_not_the_first(shards: list[Path]) -> None:
    rows = read_rows(shards, bound_problem(), known_columns(), 4)

    assert areas(rows.columns) == [0, 3, 6, 9]
    assert rows.labels.tolist() == [0, 1, 0, 1]


def test_a_limit_above_the_rows_takes_all(shards: list[Path]) -> None:
    assert areas(read_rows(shards, bound_problem(), known_columns(), 99).columns) == list(range(10))


@pytest.mark.parametrize("limit", [None, 4])
def test_no_shards_have_no_rows(limit: int | None) -> None:
    assert len(read_rows([], bound_problem(), known_columns(), limit)) == 0


def test_a_batch_is_of_one_shard_as_in_an_evaluation(shards: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_rows, "_BATCH_ROWS", 4)

    batches = list(row_batches(shards, bound_problem(), known_columns()))

    assert [areas(batch.columns) for batch in batches] == [[0, 1, 2], [3, 4, 5, 6], [7, 8], [9]]
    assert [batch.labels.tolist() for batch in batches] == [[0, 1, 0], [1, 0, 1, 0], [1, 0], [1]]


def test_the_split_key_goes_with_its_row(shards: list[Path]) -> None:
    bound = bound_problem(split={"key": "area"})

    assert read_rows(shards, bound, known_columns(), 4).keys.tolist() == [0, 3, 6, 9]  # type: ignore[union-attr]
