"""A shard of rows to totals a slice: the unit of work of an evaluation."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import apache_beam as beam
import numpy as np

from evaluation.computations import Leaf
from evaluation.folds import FOLDS, FoldRule
from evaluation.rows import Batch, RowReader
from evaluation.served_model import ModelPlace, ServedModel
from evaluation.slices import RowSlices, SliceKey, row_slices, rows_without
from evaluation.totals import GrowingTotals, Integers, Totals, total
from evaluation.vector_form import CELLS, Cells


class RowsSeen(NamedTuple):
    """Rows by shard, as `<folder>/<name>`, and of all of them those that lack a feature of each list to slice by."""

    shards: dict[str, int]
    without: tuple[int, ...]

    def plus(self, other: "RowsSeen") -> "RowsSeen":
        """Those of both."""
        shards = {
            name: self.shards.get(name, 0) + other.shards.get(name, 0) for name in {**self.shards, **other.shards}
        }
        return RowsSeen(shards, tuple(map(sum, zip(self.without, other.without, strict=True))))


class SliceTotals(NamedTuple):
    """The totals of one slice: `whole`, one by cell for each leaf, and `folded` by fold x CELLS + cell.

    The slice of all rows carries the `rows` beside them, which are counted apart from every metric.
    """

    whole: tuple[Totals, ...]
    folded: tuple[Totals, ...]
    rows: RowsSeen | None = None


@dataclass(frozen=True)
class Resampling:
    """What is summed by fold besides: the leaves at these places, for confidence intervals."""

    rule: FoldRule
    leaves: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """What is done with each batch."""

    reader: RowReader
    models: tuple[ModelPlace, ...]
    leaves: tuple[Leaf, ...]
    slices: tuple[tuple[str, ...], ...]
    resampling: Resampling | None


class ShardTotals(beam.DoFn):
    """Shards to (slice, its totals). A worker loads the models once; memory is that of a batch and of the totals.

    A leaf holds 8 bytes a key and 8 a value of it. A histogram has three values, and by fold at most as many keys as
    there are slices x 20 folds x 10,002 buckets, and as rows x lists of features to slice by.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan
        self._models: list[ServedModel] = []

    def setup(self) -> None:
        """Loads the models."""
        self._models = [ServedModel(place) for place in self._plan.models]

    def process(self, shard: str) -> Iterator[tuple[SliceKey, SliceTotals]]:
        """The totals of each slice that has a row in the shard."""
        growing = _Growing(self._plan, Path(shard))
        for batch in self._plan.reader.batches(Path(shard)):
            growing.add(batch, self._models)
        yield from growing.by_slice()


class _Growing:
    """The totals of a shard while it is read; slices are numbered as they appear."""

    def __init__(self, plan: Plan, shard: Path) -> None:
        self._plan, self._shard = plan, shard
        self._rows = 0
        self._without = np.zeros(len(plan.slices), np.int64)
        self._numbers: dict[SliceKey, int] = {}
        self._totals = [GrowingTotals() for _ in plan.leaves]
        self._folded = [GrowingTotals() for _ in (plan.resampling.leaves if plan.resampling else ())]

    def add(self, batch: Batch, models: Sequence[ServedModel]) -> None:
        """Adds a batch to every leaf, a row once for each slice it lies in."""
        rows = int(batch.serialized.shape[0])
        found = row_slices(batch.columns, self._plan.slices, rows)
        self._without += rows_without(batch.columns, self._plan.slices, rows)
        numbers = np.array([self._numbers.setdefault(key, len(self._numbers)) for key in found.keys], np.int64)
        number = numbers[found.place]
        answers = {model.place.name: model.answer(batch) for model in models}
        counted = [leaf.form.cells(answers[leaf.model]) for leaf in self._plan.leaves]
        for cells, growing in zip(counted, self._totals, strict=True):
            growing.add(_total(number, cells, found))
        if self._plan.resampling:
            fold = self._plan.resampling.rule.folds(batch, self._shard.name, self._rows)
            number = number * FOLDS + fold[found.row]
            for place, growing in zip(self._plan.resampling.leaves, self._folded, strict=True):
                growing.add(_total(number, counted[place], found))
        self._rows += rows

    def by_slice(self) -> Iterator[tuple[SliceKey, SliceTotals]]:
        """Each slice's part of every leaf's totals."""
        if not self._numbers:
            return
        whole = [_split(growing.result(), len(self._numbers), CELLS) for growing in self._totals]
        folded = [_split(growing.result(), len(self._numbers), FOLDS * CELLS) for growing in self._folded]
        seen = RowsSeen({f"{self._shard.parent.name}/{self._shard.name}": self._rows}, tuple(self._without.tolist()))
        for key, number in self._numbers.items():
            parts = tuple(parts[number] for parts in whole), tuple(parts[number] for parts in folded)
            yield key, SliceTotals(*parts, rows=None if key else seen)


def _total(number: Integers, cells: Cells, found: RowSlices) -> Totals:
    """A batch's totals by number x CELLS + cell, the `number` being that of each of the rows that were `found`."""
    return total(number * CELLS + cells.cell[found.row], cells.values[found.row])


def _split(totals: Totals, slices: int, width: int) -> list[Totals]:
    """The totals of each slice, by its number, of keys that each slice has `width` of."""
    edges = np.searchsorted(totals.keys, np.arange(slices + 1) * width)
    return [
        Totals(totals.keys[start:end] % width, totals.sums[start:end])
        for start, end in itertools.pairwise(edges.tolist())
    ]
