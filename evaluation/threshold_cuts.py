"""Confusion matrices at every threshold, from the histograms that all folds leave at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics import binary_confusion_matrices

from evaluation.left_out import LeftOut
from evaluation.totals import Floats, Integers, Totals
from evaluation.vector_form import VectorForm


@dataclass(frozen=True)
class ThresholdCuts:
    """`first` [thresholds] is the lowest bucket of a histogram that lies above each of the `thresholds`."""

    thresholds: Floats
    first: Integers

    def matrices(self, left: LeftOut) -> Iterator[Any]:
        """TFMA's Matrices, of numpy arrays, of each fold's rows left out; in order of the folds.

        Thresholds between which no row of the slice lies have the same matrix, and stand there once: what is summed
        over the thresholds stays the same, and small slices cost little.

        Args:
            left: of a histogram form: labels, predictions and rows by bucket.
        """
        place, kept = np.unique(np.searchsorted(left.cells, self.first), return_index=True)
        positives = _from_each_on(left.sums[:, :, 0])
        negatives = _from_each_on(left.sums[:, :, 2] - left.sums[:, :, 0])
        thresholds = self.thresholds[kept]
        for of_fold, against in zip(positives, negatives, strict=True):
            tp, fp = of_fold[place], against[place]
            yield binary_confusion_matrices.Matrices(thresholds, tp, against[0] - fp, fp, of_fold[0] - tp)

    def whole(self, totals: Totals) -> Any:
        """TFMA's Matrices at all thresholds, of numpy arrays, of one histogram."""
        (positives,) = _from_each_on(totals.sums[np.newaxis, :, 0])
        (negatives,) = _from_each_on(totals.sums[np.newaxis, :, 2] - totals.sums[np.newaxis, :, 0])
        place = np.searchsorted(totals.keys, self.first)
        tp, fp = positives[place], negatives[place]
        return binary_confusion_matrices.Matrices(self.thresholds, tp, negatives[0] - fp, fp, positives[0] - tp)


def _from_each_on(values: Floats) -> Floats:
    """Sums [folds, buckets + 1] of `values` [folds, buckets] from each bucket on, and of none."""
    sums = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values[:, ::-1], axis=1, out=sums[:, -2::-1])
    return sums


def threshold_cuts(form: VectorForm, computation: Any) -> ThresholdCuts:
    """Where TFMA's own derivation of confusion matrices cuts the histogram: it is asked once, with a row a bucket.

    Args:
        form: of the histogram.
        computation: TFMA's derived computation of matrices from that histogram.
    """
    buckets = form.combiner._num_buckets + 2
    rows = Totals(np.arange(buckets), np.tile([0.0, 0.0, 1.0], (buckets, 1)))
    (matrices,) = computation.result(form.output(rows)).values()
    # The rows are all negative: as many are false positives as there are buckets above the threshold.
    return ThresholdCuts(np.array(matrices.thresholds), buckets - np.array(matrices.fp).astype(np.int64))
