"""A sample by content: about as many rows as were asked for, the same whatever stands around them."""

import numpy as np
import pyarrow as pa
import pytest

from ingestion.sampling import Sample, row_hashes

ROWS = pa.table({"stop": list(range(20_000)), "day": [f"day-{row % 30}" for row in range(20_000)]})


def kept(table: pa.Table, wanted: int = 2_000, available: int = 20_000, seed: int = 7) -> list[int]:
    """The stops that are kept."""
    stops: list[int] = table.filter(pa.array(Sample(wanted, available, seed).kept(table)))["stop"].to_pylist()
    return stops


@pytest.mark.parametrize("wanted", [200, 2_000, 15_000])
def test_about_as_many_rows_as_were_asked_for_are_kept(wanted: int) -> None:
    assert len(kept(ROWS, wanted)) == pytest.approx(wanted, abs=4 * wanted**0.5)


@pytest.mark.parametrize(("wanted", "available"), [(5, 5), (9, 5), (1, 1), (1, 0)])
def test_all_rows_are_kept_where_there_are_no_more(wanted: int, available: int) -> None:
    few = ROWS.slice(0, available)

    assert kept(few, wanted, available) == few["stop"].to_pylist()


def test_a_row_is_kept_whatever_stands_around_it() -> None:
    blocks = [ROWS.slice(start, 1_700) for start in range(0, 20_000, 1_700)]

    assert [stop for block in blocks for stop in kept(block)] == kept(ROWS)
    assert sorted(stop for block in reversed(blocks) for stop in kept(block)) == kept(ROWS)


def test_another_seed_is_another_sample() -> None:
    assert set(kept(ROWS, seed=7)) != set(kept(ROWS, seed=8))
    assert len(set(kept(ROWS, seed=7)) & set(kept(ROWS, seed=8))) == pytest.approx(200, abs=60)


def test_a_larger_sample_holds_the_smaller() -> None:
    assert set(kept(ROWS, 500)) < set(kept(ROWS, 2_000))


def test_equal_rows_are_kept_or_left_together() -> None:
    twice = pa.concat_tables([ROWS, ROWS])

    assert kept(twice) == kept(ROWS) * 2


TYPED = pa.schema([("day", pa.string()), ("stop", pa.int64()), ("rain", pa.float32())])
ODD = [
    {"day": "Mon", "stop": 1, "rain": 0.5},
    {"day": "Mon", "stop": 1, "rain": None},
    {"day": "Mon", "stop": None, "rain": 0.5},
    {"day": None, "stop": 1, "rain": 0.5},
    {"day": "", "stop": 1, "rain": 0.5},
    {"day": "Mon", "stop": 0, "rain": 0.5},
    {"day": "Mon", "stop": -(2**63), "rain": 0.5},
    {"day": "Mon", "stop": 1, "rain": 0.0},
    {"day": None, "stop": None, "rain": None},
]


def test_rows_that_differ_in_anything_have_other_hashes() -> None:
    hashes = row_hashes(pa.Table.from_pylist(ODD, TYPED), seed=7)

    assert (hashes.dtype, hashes.shape, len(set(hashes.tolist()))) == (np.uint64, (9,), 9)


@pytest.mark.parametrize("place", range(len(ODD)))
def test_a_hash_is_of_the_row_alone_wherever_it_stands(place: int) -> None:
    table = pa.Table.from_pylist(ODD, TYPED)

    alone = row_hashes(pa.Table.from_pylist([ODD[place]], TYPED).select(["rain", "stop", "day"]), seed=7)

    assert alone.tolist() == [row_hashes(table, seed=7)[place]] == row_hashes(table.slice(place, 1), seed=7).tolist()


def test_no_rows_have_no_hashes() -> None:
    assert row_hashes(pa.Table.from_pylist([], TYPED), seed=7).shape == (0,)
