"""Binary cross-entropy, with probabilities kept as far from 0 and 1 as Keras keeps them."""

from typing import Any

import numpy as np

from evaluation.totals import Totals
from evaluation.vector_form import Cells, Scored, VectorForm, check_settings, check_share, one_cell, scores
from schema.metrics import SMALLEST_PROBABILITY


class BinaryCrossEntropyForm(VectorForm):
    """Of BinaryCrossEntropy on probabilities p: the mean of -y log(p) - (1 - y) log(1 - p), in nats, y the label.

    p is kept SMALLEST_PROBABILITY from 0 and 1: a wholly confident answer costs 1e-7 where it is right and 16.118
    where it is wrong. Between those ends the value is that of TFMA's BinaryCrossEntropy, which does not clip: at p of 0
    and 1 it gives NaN for a right answer (0 x log 0) and infinity for a wrong one. Logarithms are of float64, TFMA's of
    float32. One row is enough for a value, and rows of one class are.
    """

    def __init__(self, combiner: Any) -> None:
        super().__init__(combiner)
        check_settings(combiner, from_logits=False, label_smoothing=0.0)

    def cells(self, rows: Scored) -> Cells:
        """Cross-entropy and one per row.

        Raises:
            InputError: for a label outside 0 to 1.
        """
        check_share(rows)
        labels = np.asarray(rows.labels, np.float64)
        probabilities = np.clip(scores(rows).astype(np.float64), SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
        entropy = -labels * np.log(probabilities) - (1 - labels) * np.log1p(-probabilities)
        return one_cell(entropy, np.ones(len(labels)))

    def accumulator(self, totals: Totals) -> Any:
        """Sum of the cross-entropies and of the rows."""
        accumulator = self.combiner.create_accumulator()
        accumulator.total_cross_entropy, accumulator.total_example_weights = totals.sums[0].tolist()
        return accumulator
