"""Binary cross-entropy. A probability of exactly 0 or 1 makes it NaN or infinite, as in TFMA."""

from typing import Any

import numpy as np

from evaluation.totals import Totals
from evaluation.vector_form import Cells, Scored, VectorForm, check_settings, one_cell, scores


class BinaryCrossEntropyForm(VectorForm):
    """Of BinaryCrossEntropy on probabilities."""

    def __init__(self, combiner: Any) -> None:
        super().__init__(combiner)
        check_settings(combiner, from_logits=False, label_smoothing=0.0)

    def cells(self, rows: Scored) -> Cells:
        """Cross-entropy and one a row."""
        labels, probabilities = rows.labels, scores(rows)
        with np.errstate(divide="ignore", invalid="ignore"):
            # The logarithms are taken of float32, like TFMA's.
            entropy = -(labels * np.log(probabilities)) - (1 - labels) * np.log(1 - probabilities)
        return one_cell(entropy, np.ones(len(labels)))

    def accumulator(self, totals: Totals) -> Any:
        """Sum of the cross-entropies and of the rows."""
        accumulator = self.combiner.create_accumulator()
        accumulator.total_cross_entropy, accumulator.total_example_weights = totals.sums[0].tolist()
        return accumulator
