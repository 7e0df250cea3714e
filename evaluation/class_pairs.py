"""How often each class was taken for each other."""

from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics import multi_class_confusion_matrix_metrics as matrices

from evaluation.totals import Totals
from evaluation.vector_form import Cells, Scored, VectorForm
from schema.errors import InputError

# A cell is the actual class above, the predicted class below; both start at -1, which is none.
_CLASSES = 1 << 16


class ClassPairsForm(VectorForm):
    """Of the multi-class confusion matrix at one threshold."""

    def __init__(self, combiner: Any) -> None:
        super().__init__(combiner)
        # With several, TFMA's own counts at a threshold depend on the thresholds before it.
        if len(combiner._thresholds) != 1:
            raise InputError(
                "the multi-class confusion matrix is evaluated in vectors at one threshold. "
                f"Received: {list(combiner._thresholds)}"
            )
        self._threshold = float(combiner._thresholds[0])

    def cells(self, rows: Scored) -> Cells:
        """One a row, at its pair of classes; no class is predicted where the greatest score is not above the threshold.

        Raises:
            InputError: if the model gives one score a row.
        """
        predictions = rows.predictions
        if predictions.shape[1] == 1:
            raise InputError(f"{rows.model}: expected a score a class for a multi-class metric. Received: one a row")
        predicted = np.argmax(predictions, axis=1)
        greatest = predictions[np.arange(len(predictions)), predicted]
        predicted = np.where(greatest <= self._threshold, matrices.NO_PREDICTED_CLASS_ID, predicted)
        cell = (rows.labels.astype(np.int64) + 1) * _CLASSES + predicted + 1
        return Cells(cell, np.ones((len(cell), 1)))

    def accumulator(self, totals: Totals) -> Any:
        """TFMA's matrices at the threshold."""
        pairs = zip(totals.keys.tolist(), totals.sums[:, 0].tolist(), strict=True)
        entries = {matrices.MatrixEntryKey(cell // _CLASSES - 1, cell % _CLASSES - 1): count for cell, count in pairs}
        return matrices.Matrices({self._threshold: entries})
