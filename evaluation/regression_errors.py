"""Means of absolute and of squared errors, of every row."""

from abc import abstractmethod
from typing import Any

import numpy as np

from evaluation.totals import Floats, Totals
from evaluation.vector_form import Cells, Scored, VectorForm, one_cell, scores


class RegressionErrorForm(VectorForm):
    """Of the means of an error per row, in the label's unit or its square.

    Every row counts. TFMA leaves a row out whose error is no number, so that its mean would be of fewer rows than the
    count beside it says; answers and labels that are no numbers are refused before they come here. The distance is
    taken in float64, in which neither a label of 1e9 with a small spread nor the square of 1e30 loses anything; TFMA
    takes it in the label's own type. One row is enough for a value.
    """

    @abstractmethod
    def errors(self, distance: Floats) -> Floats:
        """The error, of label minus prediction [rows]."""

    def cells(self, rows: Scored) -> Cells:
        """The error and one per row."""
        errors = self.errors(np.asarray(rows.labels, np.float64) - scores(rows))
        return one_cell(errors, np.ones(len(errors)))

    def accumulator(self, totals: Totals) -> Any:
        """Sum of the errors and of the rows."""
        accumulator = self.combiner.create_accumulator()
        accumulator.total_regression_error, accumulator.total_example_weights = totals.sums[0].tolist()
        return accumulator


class AbsoluteErrorForm(RegressionErrorForm):
    """Of MeanAbsoluteError."""

    def errors(self, distance: Floats) -> Floats:
        """The absolute distance."""
        return np.abs(distance)


class SquaredErrorForm(RegressionErrorForm):
    """Of MeanSquaredError."""

    def errors(self, distance: Floats) -> Floats:
        """The squared distance."""
        return np.square(distance)
