"""Sums of labels and predictions, which calibration and the means are derived from."""

from typing import Any

import numpy as np

from evaluation.totals import Totals
from evaluation.vector_form import Cells, Scored, VectorForm, one_cell, scores


class WeightedSumsForm(VectorForm):
    """Of Calibration, MeanLabel and MeanPrediction."""

    def cells(self, rows: Scored) -> Cells:
        """Label, prediction and one a row."""
        return one_cell(rows.labels, scores(rows), np.ones(len(rows.labels)))

    def accumulator(self, totals: Totals) -> Any:
        """The three sums."""
        accumulator = self.combiner.create_accumulator()
        labels, predictions, examples = totals.sums[0].tolist()
        accumulator.total_weighted_labels = labels
        accumulator.total_weighted_predictions = predictions
        accumulator.total_weighted_examples = examples
        return accumulator
