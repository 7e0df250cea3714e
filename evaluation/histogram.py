"""The fine histogram of predictions that AUC, its precision-recall form and the binary plots are derived from."""

from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics import calibration_histogram

from evaluation.totals import Totals
from evaluation.vector_form import Cells, Scored, VectorForm, check_settings, check_share, scores
from schema.errors import InputError


class HistogramForm(VectorForm):
    """Of the calibration histogram: labels, predictions and rows summed by the bucket of the prediction."""

    def __init__(self, combiner: Any) -> None:
        super().__init__(combiner)
        check_settings(combiner, prediction_based_bucketing=True, fractional_labels=True)

    def cells(self, rows: Scored) -> Cells:
        """One bucket below the range, one above it, and the range in equal buckets between.

        Raises:
            InputError: for a prediction that is no number, or a label outside 0 to 1.
        """
        check_share(rows)
        predictions = scores(rows).astype(np.float64)
        self._check_numbers(rows.model, predictions)
        combiner = self.combiner
        place = (predictions - combiner._left) / combiner._range * combiner._num_buckets + 1
        bucket = np.clip(place, 0, combiner._num_buckets + 1).astype(np.int64)
        return Cells(bucket, np.stack([rows.labels, predictions, np.ones(len(bucket))], axis=1))

    def _check_numbers(self, model: str, predictions: Any) -> None:
        missing = int(np.isnan(predictions).sum())
        if missing:
            raise InputError(
                f"{model}: expected probabilities. Received: {missing} of {len(predictions)} that are not a number, "
                "which have no place in a histogram"
            )

    def accumulator(self, totals: Totals) -> Any:
        """A bucket of TFMA's for each that is not empty, by number."""
        pairs = zip(totals.keys.tolist(), totals.sums.tolist(), strict=True)
        return {number: calibration_histogram.Bucket(number, *sums) for number, sums in pairs}
