"""Scoring a split in batches: what is kept of it, in which order, and what is let go."""

import weakref
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from components.evaluation.batch_scoring import SERVER, score_split
from edge.runtime.litert_model import Array, Columns
from models.export.raw_rows import Rows


def rows_of(numbers: list[float], *, keyed: bool = True) -> Rows:
    """Rows with these numbers, a label that is 1 from 5 on, and the number as their key."""
    column = np.array(numbers, np.float32)
    keys = np.array([str(number).encode() for number in numbers], object) if keyed else None
    return Rows(np.array([b""] * len(numbers), object), {"number": column}, (column >= 5).astype(np.int64), keys)


def as_it_is(columns: Columns) -> Array:
    """The number as the score [N, 1]."""
    return columns["number"][:, None]


def halved(columns: Columns) -> Array:
    """Half of the number as the score [N, 1]."""
    return columns["number"][:, None] / 2


def test_every_model_scores_every_row_in_order() -> None:
    found = score_split([rows_of([1, 7]), rows_of([3])], {SERVER: as_it_is, "int8": halved})

    assert found.labels.tolist() == [0, 1, 0]
    assert found.keys is not None
    assert found.keys.to_pylist() == [b"1", b"7", b"3"]
    assert {name: scores.tolist() for name, scores in found.scores.items()} == {
        SERVER: [[1.0], [7.0], [3.0]],
        "int8": [[0.5], [3.5], [1.5]],
    }


def test_a_split_without_keys_has_none() -> None:
    assert score_split([rows_of([1], keyed=False)], {SERVER: as_it_is}).keys is None


def test_keys_are_of_the_columns_own_type() -> None:
    found = score_split([rows_of([1])], {SERVER: as_it_is})

    assert found.keys is not None
    assert found.keys.type == pa.binary()


def test_no_batch_is_kept_while_the_next_but_one_is_read() -> None:
    read: list[weakref.ref[Array]] = []
    alive: list[int] = []

    def batches() -> Iterator[Rows]:
        for number in range(20):
            rows = rows_of([number])
            read.append(weakref.ref(rows.columns["number"]))
            alive.append(sum(batch() is not None for batch in read))
            yield rows
            del rows

    def summed(columns: Columns) -> Array:
        return np.array([[columns["number"].sum()]], np.float32)

    score_split(batches(), {SERVER: summed, "int8": summed})

    assert max(alive) <= 2


def test_a_model_that_fails_stops_the_scoring() -> None:
    def broken(_: Columns) -> Array:
        raise ValueError("no such tensor")

    with pytest.raises(ValueError, match="no such tensor"):
        score_split([rows_of([1])], {SERVER: as_it_is, "int8": broken})
