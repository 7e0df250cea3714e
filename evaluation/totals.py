"""Sums by integer key: the one accumulator of every metric. Adding two is associative and keeps no rows."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


class Totals(NamedTuple):
    """`sums` [n, values] of all that fell to `keys` [n], which ascend and differ."""

    keys: Integers
    sums: Floats


def total(keys: Integers, values: Floats) -> Totals:
    """Sums of `values` [rows, values] by `keys` [rows]."""
    distinct, place = np.unique(keys, return_inverse=True)
    columns = [np.bincount(place, weights=column, minlength=len(distinct)) for column in values.T]
    return Totals(distinct, np.stack(columns, axis=1))


def merge(parts: Iterable[Totals]) -> Totals:
    """The sum of one or more totals of the same number of values."""
    kept = list(parts)
    if len(kept) == 1:
        return kept[0]
    return total(np.concatenate([part.keys for part in kept]), np.concatenate([part.sums for part in kept]))


class GrowingTotals:
    """Totals to which batches are added; memory is that of the distinct keys."""

    def __init__(self) -> None:
        self._merged: list[Totals] = []
        self._waiting: list[Totals] = []

    def add(self, part: Totals) -> None:
        """Adds a batch. They wait until together they are as long as what is merged, so that no key is sorted often."""
        self._waiting.append(part)
        if sum(len(waiting.keys) for waiting in self._waiting) >= sum(len(done.keys) for done in self._merged):
            self._merge()

    def result(self) -> Totals:
        """All that was added; at least one batch must have been."""
        self._merge()
        return self._merged[0]

    def _merge(self) -> None:
        self._merged, self._waiting = [merge([*self._merged, *self._waiting])], []
