"""Means of absolute and of squared errors. A row whose error is no number counts for nothing, as in TFMA."""

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.totals import Floats, Totals
from evaluation.vector_form import Cells, Scored, VectorForm, one_cell, scores


class RegressionErrorForm(VectorForm):
    """Of the means of an error a row."""

    @abstractmethod
    def errors(self, distance: NDArray[Any]) -> Floats:
        """The error, of label minus prediction [rows]."""

    def cells(self, rows: Scored) -> Cells:
        """The error and one a row."""
        errors = self.errors(rows.labels - scores(rows))
        counted = ~np.isnan(errors)
        return one_cell(np.where(counted, errors, 0.0), counted)

    def accumulator(self, totals: Totals) -> Any:
        """Sum of the errors and of the rows that have one."""
        accumulator = self.combiner.create_accumulator()
        accumulator.total_regression_error, accumulator.total_example_weights = totals.sums[0].tolist()
        return accumulator


class AbsoluteErrorForm(RegressionErrorForm):
    """Of MeanAbsoluteError."""

    def errors(self, distance: NDArray[Any]) -> Floats:
        """The absolute distance."""
        absolute: Floats = np.abs(distance).astype(np.float64)
        return absolute


class SquaredErrorForm(RegressionErrorForm):
    """Of MeanSquaredError."""

    def errors(self, distance: NDArray[Any]) -> Floats:
        """The squared distance."""
        squared: Floats = np.abs(distance).astype(np.float64) ** 2
        return squared
