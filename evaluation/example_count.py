"""Rows a slice."""

from typing import Any

import numpy as np

from evaluation.totals import Totals
from evaluation.vector_form import Cells, Scored, VectorForm, one_cell


class ExampleCountForm(VectorForm):
    """Of ExampleCount."""

    def cells(self, rows: Scored) -> Cells:
        """One a row."""
        return one_cell(np.ones(len(rows.labels)))

    def accumulator(self, totals: Totals) -> Any:
        """The count, a float."""
        return float(totals.sums[0, 0])
