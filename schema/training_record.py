"""What is worth knowing of a training after it: `training.json` beside its logs."""

from pathlib import Path

from schema.closed import Closed

FILE = "training.json"


class Comparison(Closed):
    """Errors on the eval split: of the network, of the best constant, and of a linear model of the same features.

    metric: log_loss in nats, or root_mean_squared_error in the label's unit; less is better.
    linear_leads: whether the linear model is better than the network by more than a standard error of the difference,
        row by row: on few rows the lesser of two numbers is not yet the better model.
    """

    metric: str
    rows: int
    candidate: float
    constant: float
    linear: float
    linear_leads: bool


class WarmStarted(Closed):
    """What was taken over from an earlier model; see models.training.warm_start.Transfer."""

    tensors: int
    taken: int
    new: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    shifted: tuple[str, ...] = ()


class TrainingRecord(Closed):
    """How a training went.

    rows: of the training split.
    replicas: that shared each step.
    batch_size: rows per step on each replica.
    steps_per_epoch: optimiser steps.
    epochs, patience, numeric_knots: as settled.
    derived: names of those settings that followed the rows.
    epochs_run: epochs until it stopped.
    best_epoch: whose weights were kept, from 1.
    eval_losses: after each epoch.
    """

    rows: int
    replicas: int
    batch_size: int
    steps_per_epoch: int
    epochs: int
    patience: int
    numeric_knots: int
    derived: tuple[str, ...]
    epochs_run: int
    best_epoch: int
    eval_losses: tuple[float, ...]
    comparison: Comparison
    warm_start: WarmStarted | None = None


def write_training_record(record: TrainingRecord, folder: Path) -> None:
    """Writes the file into a folder."""
    (folder / FILE).write_text(record.model_dump_json(indent=1), encoding="utf-8")
