"""Right and wrong decisions at a few given thresholds."""

from typing import Any

import numpy as np
from tensorflow_model_analysis.contrib.aggregates import binary_confusion_matrices as matrices

from evaluation.totals import Totals
from evaluation.vector_form import Cells, Scored, VectorForm, check_settings, check_share, one_cell, scores


class DecisionsForm(VectorForm):
    """Of the binary confusion matrices at thresholds, such as BinaryAccuracy is derived from."""

    def __init__(self, combiner: Any) -> None:
        super().__init__(combiner)
        check_settings(combiner, example_id_key=None, enable_fractional_labels=True)
        self._thresholds: tuple[float, ...] = tuple(combiner._binary_confusion_matrices._thresholds)

    def cells(self, rows: Scored) -> Cells:
        """True and false positives, true and false negatives of each threshold.

        Raises:
            InputError: for a label outside 0 to 1.
        """
        check_share(rows)
        predictions, positive = scores(rows).astype(np.float64), np.asarray(rows.labels, np.float64)
        columns: list[Any] = []
        for threshold in self._thresholds:
            chosen = predictions > threshold
            columns += [positive * chosen, (1 - positive) * ~chosen, (1 - positive) * chosen, positive * ~chosen]
        return one_cell(*columns)

    def accumulator(self, totals: Totals) -> Any:
        """TFMA's matrix by threshold, without examples."""
        counts = totals.sums[0].reshape(len(self._thresholds), 4).tolist()
        pairs = zip(self._thresholds, counts, strict=True)
        return {at: matrices._ThresholdEntry(matrices.Matrix(*four), [], [], [], []) for at, four in pairs}
