"""The comparison with gradient boosting: its AUC, its intervals, and its refusal to compare what does not compare."""

import math

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.reference import Scored, WeightedAuc, categories, check_same_rows, compare
from schema.errors import InputError

LABELS = np.array([0.0, 0.0, 1.0, 1.0])


def scored(scores: list[float], labels: "np.ndarray[tuple[int], np.dtype[np.float64]]" = LABELS) -> Scored:
    """Two rows of each of two days."""
    return Scored(np.array(["mon", "tue", "mon", "tue"]), labels, np.array(scores))


@pytest.mark.parametrize(
    ("scores", "weights", "expected"),
    [
        ([0.1, 0.2, 0.3, 0.4], [1, 1, 1, 1], 1.0),
        ([0.4, 0.3, 0.2, 0.1], [1, 1, 1, 1], 0.0),
        ([0.5, 0.5, 0.5, 0.5], [1, 1, 1, 1], 0.5),
        # Pairs (0.1, 0.3) right, (0.1, 0.2) right, (0.2, 0.3) right, (0.2, 0.2) a tie: 3.5 of 4.
        ([0.1, 0.2, 0.3, 0.2], [1, 1, 1, 1], 0.875),
        # The tied negative counts twice: (1 + 1 + 2 * 1 + 2 * 0.5) of 6.
        ([0.1, 0.2, 0.3, 0.2], [1, 2, 1, 1], 5 / 6),
    ],
)
def test_the_auc_counts_pairs_by_weight_and_ties_by_half(
    scores: list[float], weights: list[float], expected: float
) -> None:
    assert WeightedAuc(LABELS, np.array(scores))(np.array(weights, float)) == pytest.approx(expected)


def test_the_auc_of_one_class_is_undefined() -> None:
    assert math.isnan(WeightedAuc(LABELS, np.array([0.1, 0.2, 0.3, 0.4]))(np.array([1.0, 1.0, 0.0, 0.0])))


def test_a_model_does_not_differ_from_itself_in_any_resample() -> None:
    same = scored([0.1, 0.4, 0.3, 0.2])
    found = compare(same, same, resamples=50)
    assert (found.difference.value, found.difference.low, found.difference.high) == (0, 0, 0)
    assert found.model == found.reference
    assert found.model.low <= found.model.value <= found.model.high


def test_whole_days_are_drawn_and_not_rows() -> None:
    # Monday is ranked right and Tuesday wrong: a draw is one of the two or both, never a mix of rows.
    found = compare(scored([0.1, 0.4, 0.3, 0.2]), scored([0.1, 0.1, 0.1, 0.1]), resamples=200)
    assert (found.model.low, found.model.high) == (0.0, 1.0)
    assert (found.reference.low, found.reference.high) == (0.5, 0.5)


def test_other_rows_are_refused_by_their_day() -> None:
    other = scored([0.1, 0.2, 0.3, 0.4], np.array([0.0, 1.0, 1.0, 1.0]))
    with pytest.raises(InputError, match=r"For key tue: expected \(rows, positive\) \(2, 2\)\. Received: \(2, 1\)"):
        check_same_rows(scored([0.1, 0.2, 0.3, 0.4]), other)


def test_categories_are_those_of_the_training_split_and_others_are_missing() -> None:
    column = pa.chunked_array([["b", "a", "b", None, "c"]])
    found = categories(column, np.array([True, True, True, True, False]))
    np.testing.assert_array_equal(found, [0.0, 1.0, 0.0, np.nan, np.nan])
