"""Curves of an evaluation as plain numbers, through TFMA's own loader: ROC, precision and recall, calibration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.artifacts.evaluation import CANDIDATE, slice_name

Floats = NDArray[np.float64]

# Of TFMA's thousand buckets of the probability, so many are shown as one point.
CALIBRATION_POINTS = 20


@dataclass(frozen=True)
class Decisions:
    """Rows decided by each threshold, in ascending order of it; all of one length, counts of rows but for the first."""

    thresholds: Floats
    true_positives: Floats
    false_positives: Floats
    true_negatives: Floats
    false_negatives: Floats

    @property
    def positives(self) -> float:
        """Rows whose label is the positive class."""
        return float(self.true_positives[0] + self.false_negatives[0])

    @property
    def negatives(self) -> float:
        """Rows whose label is the negative class."""
        return float(self.true_negatives[0] + self.false_positives[0])

    @property
    def one_class(self) -> bool:
        """Whether AUC is not defined: TFMA then gives 0."""
        return self.positives == 0 or self.negatives == 0

    def roc(self) -> tuple[Floats, Floats]:
        """False and true positive rate, each a share in [0, 1]."""
        return self.false_positives / self.negatives, self.true_positives / self.positives

    def precision_recall(self) -> tuple[Floats, Floats]:
        """Recall and precision, each a share in [0, 1], at the thresholds which some row reaches."""
        predicted = self.true_positives + self.false_positives
        reached = predicted > 0
        return self.true_positives[reached] / self.positives, self.true_positives[reached] / predicted[reached]

    def at(self, threshold: float) -> int:
        """The place of the threshold nearest to this one."""
        return int(np.abs(self.thresholds - threshold).argmin())


@dataclass(frozen=True)
class Calibration:
    """By bucket of the predicted probability: its mean, the share of positive labels, and rows."""

    predicted: Floats
    observed: Floats
    rows: Floats


@dataclass(frozen=True)
class Confusion:
    """Rows by true class and predicted class [classes, classes], for problems of several classes."""

    rows: Floats


@dataclass(frozen=True)
class Curves:
    """What one model's plots of one slice hold; None for what its task does not have."""

    decisions: Decisions | None = None
    calibration: Calibration | None = None
    confusion: Confusion | None = None


def load_curves(evaluation: Path) -> dict[str, dict[str, Curves]]:
    """Curves by slice name (see slice_name) and by model, "candidate" or "baseline"."""
    from tensorflow_model_analysis import load_plots

    found: dict[str, dict[str, Curves]] = {}
    for by_slice in load_plots(str(evaluation)):
        models = found.setdefault(slice_name(by_slice.slice_key), {})
        for entry in by_slice.plot_keys_and_values:
            models[entry.key.model_name or CANDIDATE] = _curves(entry.value)
    return found


def _curves(value: Any) -> Curves:
    return Curves(
        _decisions(value.confusion_matrix_at_thresholds.matrices),
        _calibration(value.calibration_histogram_buckets.buckets),
        _confusion(value.multi_class_confusion_matrix_at_thresholds.matrices),
    )


def _decisions(matrices: Any) -> Decisions | None:
    # TFMA puts one threshold below 0 and one above 1, which decide alike for every row.
    if not matrices:
        return None
    names = ("threshold", "true_positives", "false_positives", "true_negatives", "false_negatives")
    columns = (np.array([getattr(one, name) for one in matrices], np.float64) for name in names)
    return Decisions(*columns)


def _calibration(buckets: Any) -> Calibration | None:
    if not buckets:
        return None
    sums = np.array(
        [
            (
                one.total_weighted_refined_prediction.value,
                one.total_weighted_label.value,
                one.num_weighted_examples.value,
            )
            for one in buckets
        ],
        np.float64,
    )
    # Below 0 and above 1 there is one bucket each, in which no probability falls.
    groups = np.array_split(sums[1:-1], min(CALIBRATION_POINTS, max(1, len(sums) - 2)))
    totals = np.stack([group.sum(axis=0) for group in groups])
    totals = totals[totals[:, 2] > 0]
    return Calibration(totals[:, 0] / totals[:, 2], totals[:, 1] / totals[:, 2], totals[:, 2])


def _confusion(matrices: Any) -> Confusion | None:
    if not matrices:
        return None
    entries = matrices[0].entries
    # TFMA counts a row that no class's score lifts above the threshold to a class of -1.
    classes = 1 + max(max(one.actual_class_id, one.predicted_class_id) for one in entries)
    rows = np.zeros((classes, classes))
    for one in entries:
        if one.predicted_class_id >= 0:
            rows[one.actual_class_id, one.predicted_class_id] += one.num_weighted_examples
    return Confusion(rows)
