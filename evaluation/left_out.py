"""A slice's totals by fold, and what is left of them when one fold is left out."""

from dataclasses import dataclass

import numpy as np

from evaluation.totals import Floats, Integers, Totals
from evaluation.vector_form import CELLS


@dataclass(frozen=True)
class LeftOut:
    """Sums [folds, cells, values] of all rows but one fold's, for each fold that has a row; `cells` [cells] ascend.

    A cell of which nothing is left has sums of exactly 0.
    """

    cells: Integers
    sums: Floats

    def totals(self) -> list[Totals]:
        """The totals by cell that each fold leaves."""
        return [Totals(self.cells, sums) for sums in self.sums]


def left_out(folded: Totals) -> LeftOut:
    """What each fold leaves, of totals with the keys fold x CELLS + cell.

    Memory is twice that of the result, which is at most 20 x cells x values numbers.
    """
    folds, fold = np.unique(folded.keys // CELLS, return_inverse=True)
    cells, cell = np.unique(folded.keys % CELLS, return_inverse=True)
    sums = np.zeros((len(folds), len(cells), folded.sums.shape[1]))
    sums[fold, cell] = folded.sums
    # The folds before and those after are added. To take a fold from the whole would leave the error of the rounding
    # where nothing is left, and no number at all where the fold alone has an infinite one.
    left = np.zeros_like(sums)
    with np.errstate(invalid="ignore"):
        _add_those_before(sums, left)
        _add_those_before(sums[::-1], left[::-1])
    return LeftOut(cells, left)


def _add_those_before(sums: Floats, left: Floats) -> None:
    running = np.zeros_like(sums[0])
    for own, rest in zip(sums, left, strict=True):
        rest += running
        running += own
