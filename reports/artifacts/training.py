"""Training's curves, through TensorBoard's own reader."""

import math
from dataclasses import dataclass
from pathlib import Path

_SPLITS = {"train": "train", "validation": "eval"}
_PREFIX = "epoch_"
# Rows of an epoch are no curve: see schema.row_ledger.
_ROWS = "epoch_rows"


@dataclass(frozen=True)
class TrainingCurve:
    """One scalar after each epoch, by split: {"train": {1: 0.52, ...}, "eval": {...}}; epochs count from 1."""

    name: str
    splits: dict[str, dict[int, float]]


def load_training(model_run: Path) -> list[TrainingCurve]:
    """The scalars that training logged for each epoch, the loss first; none if nothing was logged."""
    from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    found: dict[str, dict[str, dict[int, float]]] = {}
    for folder, split in _SPLITS.items():
        if not (model_run / folder).is_dir():
            continue
        events = EventAccumulator(str(model_run / folder), size_guidance={TENSORS: 0})
        events.Reload()
        for tag in events.Tags()[TENSORS]:
            if tag.startswith(_PREFIX) and tag != _ROWS:
                values = {event.step + 1: float(make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)}
                found.setdefault(tag.removeprefix(_PREFIX), {})[split] = values
    return [TrainingCurve(name, found[name]) for name in sorted(found, key=lambda name: (name != "loss", name))]


def best_epoch(curves: list[TrainingCurve]) -> int | None:
    """The epoch with the lowest loss on the eval split, whose weights the model has; None if that was not logged."""
    losses = next((curve.splits.get("eval", {}) for curve in curves if curve.name == "loss"), {})
    finite = {epoch: loss for epoch, loss in losses.items() if math.isfinite(loss)}
    return min(finite, key=finite.__getitem__, default=None)
