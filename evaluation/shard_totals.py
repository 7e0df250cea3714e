"""A shard of rows to totals a slice: the unit of work of an evaluation."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam
import numpy as np

from evaluation.computations import Leaf
from evaluation.rows import Batch, RowReader
from evaluation.served_model import ModelPlace, ServedModel
from evaluation.slices import SliceKey, row_slices
from evaluation.totals import GrowingTotals, Totals, total
from evaluation.vector_form import CELLS

# The totals of one slice, one for each leaf.
SliceTotals = tuple[Totals, ...]


@dataclass(frozen=True)
class Plan:
    """What is done with each batch."""

    reader: RowReader
    models: tuple[ModelPlace, ...]
    leaves: tuple[Leaf, ...]
    slices: tuple[tuple[str, ...], ...]


class ShardTotals(beam.DoFn):
    """Shards to (slice, its totals). A worker loads the models once; memory is that of a batch and of the totals."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan
        self._models: list[ServedModel] = []

    def setup(self) -> None:
        """Loads the models."""
        self._models = [ServedModel(place) for place in self._plan.models]

    def process(self, shard: str) -> Iterator[tuple[SliceKey, SliceTotals]]:
        """The totals of each slice that has a row in the shard."""
        growing = _Growing(self._plan)
        for batch in self._plan.reader.batches(Path(shard)):
            growing.add(batch, self._models)
        yield from growing.by_slice()


class _Growing:
    """The totals of a shard while it is read; slices are numbered as they appear."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._numbers: dict[SliceKey, int] = {}
        self._totals = [GrowingTotals() for _ in plan.leaves]

    def add(self, batch: Batch, models: Sequence[ServedModel]) -> None:
        """Adds a batch to every leaf, a row once for each slice it lies in."""
        found = row_slices(batch.columns, self._plan.slices, int(batch.serialized.shape[0]))
        numbers = np.array([self._numbers.setdefault(key, len(self._numbers)) for key in found.keys], np.int64)
        base = numbers[found.place] * CELLS
        answers = {model.place.name: model.answer(batch) for model in models}
        for leaf, growing in zip(self._plan.leaves, self._totals, strict=True):
            cells = leaf.form.cells(answers[leaf.model])
            growing.add(total(base + cells.cell[found.row], cells.values[found.row]))

    def by_slice(self) -> Iterator[tuple[SliceKey, SliceTotals]]:
        """Each slice's part of every leaf's totals."""
        if not self._numbers:
            return
        leaves = [_split(growing.result(), len(self._numbers)) for growing in self._totals]
        for key, number in self._numbers.items():
            yield key, tuple(parts[number] for parts in leaves)


def _split(totals: Totals, slices: int) -> list[Totals]:
    """The totals of each slice, by its number, with the cells as keys."""
    edges = np.searchsorted(totals.keys, np.arange(slices + 1) * CELLS)
    return [
        Totals(totals.keys[start:end] % CELLS, totals.sums[start:end])
        for start, end in itertools.pairwise(edges.tolist())
    ]
