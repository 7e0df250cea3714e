"""Which rows are left out together."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from evaluation.folds import FOLDS, FoldRule
from evaluation.rows import Batch
from schema.errors import InputError


def batch(values: list[list[object]]) -> Batch:
    return Batch(tf.constant([b""] * len(values)), {"day": pa.array(values)})


def test_rows_of_one_value_share_a_fold_wherever_they_lie() -> None:
    rule = FoldRule("day")

    here = rule.folds(batch([[b"Mon"], [b"Tue"], [b"Mon"]]), "rows-0", 0)
    there = rule.folds(batch([[b"Tue"], [b"Mon"]]), "rows-1", 5000)

    assert here[0] == here[2] == there[1]
    assert here[1] == there[0]


def test_an_integer_is_a_value_too() -> None:
    folds = FoldRule("day").folds(batch([[7], [8], [7]]), "rows-0", 0)

    assert folds[0] == folds[2]
    assert set(folds.tolist()) <= set(range(FOLDS))


def test_the_values_of_one_split_lie_in_every_fold() -> None:
    # 400 days are some 20 a fold. By the hash that the splits are dealt by, a split would lie in a few folds.
    days = [[f"2013-{day}".encode()] for day in range(400)]

    counts = Counter(FoldRule("day").folds(batch(days), "rows-0", 0).tolist())

    assert sorted(counts) == list(range(FOLDS))
    assert 5 < min(counts.values()) <= max(counts.values()) < 40


def test_without_a_key_a_row_is_dealt_by_its_place_and_its_file() -> None:
    rule, rows = FoldRule(None), batch([[b"Mon"]] * 4000)

    whole = rule.folds(rows, "rows-0", 0)
    later = rule.folds(batch([[b"Mon"]] * 1000), "rows-0", 3000)
    elsewhere = rule.folds(rows, "rows-1", 0)

    assert whole[3000:].tolist() == later.tolist()
    assert whole.tolist() != elsewhere.tolist()
    assert np.bincount(whole, minlength=FOLDS).min() > 130
    # No rhythm of the rows is one of the folds: those at every twentieth place lie in all of them.
    assert len(set(whole[::FOLDS].tolist())) == FOLDS


@pytest.mark.parametrize("values", [[[b"Mon"], []], [[b"Mon"], [b"Mon", b"Tue"]]])
def test_a_row_without_one_value_of_the_key_is_counted(values: list[list[object]]) -> None:
    with pytest.raises(InputError, match=r"split key 'day': expected one value a row.*Received: 1 of 2 rows without"):
        FoldRule("day").folds(batch(values), "rows-0", 0)
