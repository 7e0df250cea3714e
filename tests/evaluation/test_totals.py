"""Sums by key, worked out by hand."""

import numpy as np
import pytest

from evaluation.totals import GrowingTotals, Totals, merge, total


def as_lists(totals: Totals) -> tuple[list[int], list[list[float]]]:
    return totals.keys.tolist(), totals.sums.tolist()


def of(*pairs: tuple[int, float]) -> Totals:
    return total(np.array([key for key, _ in pairs], np.int64), np.array([[value, 1.0] for _, value in pairs]))


def test_values_are_summed_by_key_in_order_of_the_keys() -> None:
    assert as_lists(of((9, 1.5), (2, 3.0), (9, 0.5))) == ([2, 9], [[3.0, 1.0], [2.0, 2.0]])


def test_no_rows_are_no_keys() -> None:
    assert as_lists(total(np.zeros(0, np.int64), np.zeros((0, 2)))) == ([], [])


def test_merging_keeps_each_part_once_in_any_order() -> None:
    parts = [of((1, 1.0)), of((1, 2.0), (3, 4.0)), of((2, 8.0))]

    assert as_lists(merge(parts)) == ([1, 2, 3], [[3.0, 2.0], [8.0, 1.0], [4.0, 1.0]])
    assert as_lists(merge([merge(parts[1:]), parts[0]])) == as_lists(merge(parts))


@pytest.mark.parametrize("batches", [1, 2, 5, 16])
def test_batches_grow_to_the_same_totals(batches: int) -> None:
    growing = GrowingTotals()
    for batch in range(batches):
        growing.add(of((batch % 3, 1.0), (100, 2.0)))

    keys, sums = as_lists(growing.result())

    assert keys == [*range(min(batches, 3)), 100]
    assert sums[-1] == [2.0 * batches, float(batches)]
    assert sum(value for value, _ in sums[:-1]) == batches
