"""The gate of a trainable file: it answers as the model it came from, learns, and forgets on demand."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.on_device_training.interpreter_training import Head, LearningModel
from edge.runtime.litert_model import Array, Columns
from schema.errors import InputError

# As the float32 and the float16 recipe promise, see edge.convert.recipes.
FLOAT32_TOLERANCE = 1e-6
FLOAT16_TOLERANCE = 1e-3

_SUBSET_ROWS = 256
_STEPS = 10
# The loss is convex in the head, so that gradient descent lowers it at any small enough rate.
_RATES = tuple(4.0**-power for power in range(9))


@dataclass(frozen=True)
class TrainableCheck:
    """What a trainable file was seen to do.

    Attributes:
        rows: how many were scored.
        largest_difference: from the given scores before training, as a share of their range: 1 for a probability,
            largest less smallest for a regression.
        trained_rows: the worst answered rows, on which it was trained.
        learning_rate: the largest of those tried that lowered the loss; None if none did.
        loss_before: on those rows, before training.
        loss_after: on those rows, after 10 steps at that rate (the smallest tried, if none lowered it).
        accepted: whether nothing was amiss.
        reasons: a sentence with numbers for each thing that was.
    """

    rows: int
    largest_difference: float
    trained_rows: int
    learning_rate: float | None
    loss_before: float
    loss_after: float
    accepted: bool
    reasons: tuple[str, ...]


def check_trainable(
    path: Path, columns: Columns, labels: Array, scores: Array, tolerance: float = FLOAT16_TOLERANCE
) -> TrainableCheck:
    """Tries the file on some thousand rows; memory and time are those of scoring them five times.

    Before training it must answer as the given scores; a step at rate 0 must change nothing; after ten steps on the
    rows that it answers worst the loss on them must have fallen; the first head put back must give the first answers
    to the bit, and the trained one in a model loaded anew the trained answers.

    Args:
        path: the trainable file.
        columns: one array [N] a feature.
        labels: [N], class numbers or numbers in the label's unit.
        scores: float32 [N, outputs] of the model that it was made from.
        tolerance: largest difference from them, see TrainableCheck.largest_difference.

    Raises:
        InputError: if there is no row, or the rows do not fit the file or each other.
    """
    if len(labels) == 0 or scores.ndim != 2 or len(scores) != len(labels):
        raise InputError(
            "expected labels [N] and scores [N, outputs] of one row or more. "
            f"Received: {list(labels.shape)}, {list(scores.shape)}"
        )
    model = LearningModel(path)
    first, before = model.head(), model.predict(columns)
    difference = _difference(before, scores, numbers=model.learns_numbers)
    worst = _worst(labels, scores, numbers=model.learns_numbers)
    subset, targets = {name: values[worst] for name, values in columns.items()}, labels[worst]
    still = model.train(subset, targets, 0.0)
    reasons = _unlike(difference, tolerance)
    if not np.array_equal(model.predict(columns), before):
        reasons.append("a step at learning rate 0 changes its answers")
    rate, after = _descend(model, subset, targets, still.loss)
    if rate is None:
        reasons.append(f"{_STEPS} steps on {still.rows} rows lower their loss of {still.loss:.4g} at no rate")
    reasons += _lost(path, model, first, columns, before)
    accepted = not reasons
    return TrainableCheck(len(labels), difference, still.rows, rate, still.loss, after, accepted, tuple(reasons))


def _unlike(difference: float, tolerance: float) -> list[str]:
    if difference <= tolerance:
        return []
    return [f"before training it differs by {difference:.2g} from its model; at most {tolerance:.2g} allowed"]


def _lost(path: Path, trained: LearningModel, first: Head, columns: Columns, before: Array) -> list[str]:
    """What of a saved head does not come back, in the same model and in one loaded anew."""
    reasons = []
    other = LearningModel(path)
    other.set_head(trained.head())
    if not np.array_equal(other.predict(columns), trained.predict(columns)):
        reasons.append("the trained head, put into a model loaded anew, does not give the trained answers")
    trained.set_head(first)
    if not np.array_equal(trained.predict(columns), before):
        reasons.append("the first head, put back, does not give the first answers")
    return reasons


def _worst(labels: Array, scores: Array, *, numbers: bool) -> Array:
    """Places of the rows that the model answers worst: a shift that training has to follow."""
    if numbers or scores.shape[1] == 1:
        errors = np.abs(labels - scores[:, 0])
    else:
        known = np.clip(labels, 0, scores.shape[1] - 1).astype(np.int64)
        errors = 1.0 - scores[np.arange(len(labels)), known]
    return np.argsort(-errors, kind="stable")[:_SUBSET_ROWS]


def _descend(model: LearningModel, columns: Columns, labels: Array, before: float) -> tuple[float | None, float]:
    """Trains from the head as it is, at the largest rate that lowers the loss; gives that rate and the loss after.

    Where none does the head is the first one again.
    """
    first, after = model.head(), before
    for rate in _RATES:
        model.set_head(first)
        for _ in range(_STEPS):
            model.train(columns, labels, rate)
        after = model.train(columns, labels, 0.0).loss
        if after < before:
            return rate, after
    model.set_head(first)
    return None, after


def _difference(found: Array, expected: Array, *, numbers: bool) -> float:
    if found.shape != expected.shape:
        raise InputError(f"expected scores of the shape {list(found.shape)}. Received: {list(expected.shape)}")
    # Where all answers are one number, as a share of it.
    span = float(np.ptp(expected)) or float(np.abs(expected).max()) or 1.0 if numbers else 1.0
    return float(np.abs(found - expected).max()) / span
