"""What a training comes to beside its model: its record, and what whoever runs it has to be warned of."""

from collections.abc import Iterator
from dataclasses import asdict

import tf_keras

from models.data.dataset import Source
from models.preprocessing.statistics import Statistics
from models.training.fit import Outcome
from models.training.schedule import course, derived_settings
from models.training.simple_models import compared
from models.training.warm_start import Transfer
from schema.bound import BoundProblem
from schema.rounding import rounded
from schema.training_record import Comparison, TrainingRecord, WarmStarted

# Where the loss still falls by more than this share over the last quarter of the epochs, more of them are worth a try.
# Learning rates run out towards the end, so that some fall is seen in every training.
_FALL_SHARE = 0.02
_PARTS = 4


def recorded(
    network: tf_keras.Model,
    bound: BoundProblem,
    statistics: Statistics,
    train: Source,
    evaluation: Source,
    replicas: int,
    transfer: Transfer | None,
) -> TrainingRecord:
    """The record of a training.

    Args:
        network: as `fit` returned it.
        bound: the problem as it was given to `fit`, with what it left open.
        statistics: of the training split.
        train: rows that were trained on.
        evaluation: rows that it was judged on.
        replicas: that shared each step.
        transfer: what was taken over from an earlier model.
    """
    outcome: Outcome = network.outcome
    decided = course(bound.problem.network, train.rows(), replicas)
    losses = outcome.eval_losses
    return TrainingRecord(
        rows=train.rows(),
        replicas=replicas,
        steps_per_epoch=outcome.steps.training,
        **{**asdict(decided), "batch_size": outcome.steps.batch // replicas},
        derived=tuple(derived_settings(bound.problem.network)),
        epochs_run=len(losses),
        best_epoch=losses.index(min(losses)) + 1,
        eval_losses=losses,
        comparison=compared(network, bound, statistics, train, evaluation),
        warm_start=WarmStarted(**asdict(transfer)) if transfer else None,
    )


def training_warnings(record: TrainingRecord) -> Iterator[str]:
    """What is to be said aloud, a sentence each."""
    yield from _beaten(record.comparison)
    if still_improving(record):
        yield (
            f"training ended with epoch {record.epochs_run}, its last, while the eval loss still fell. "
            f"Raise network.epochs (now {record.epochs})"
        )
    if record.warm_start and record.warm_start.lost:
        taken = f"{record.warm_start.taken} of {record.warm_start.tensors} tensors were taken over"
        yield f"warm start: {taken}; {'; '.join(record.warm_start.lost)}"


def _beaten(found: Comparison) -> Iterator[str]:
    name, own = found.metric, rounded(found.candidate, ".4g")
    if found.candidate >= found.constant:
        yield (
            f"the model is no better than always giving the same answer: {name} {own} on {found.rows:,} eval rows, of "
            f"the constant {rounded(found.constant, '.4g')}. Do not use it"
        )
    elif found.linear_leads:
        yield (
            f"a linear model of the same features is better than the model: {name} {own} on {found.rows:,} eval rows, "
            f"of the linear one {rounded(found.linear, '.4g')}"
        )


def still_improving(record: TrainingRecord) -> bool:
    """Whether a training used up its epochs, and the last quarter of them brought more than a little."""
    losses = record.eval_losses
    if record.epochs_run < record.epochs or record.best_epoch < record.epochs_run:
        return False
    earlier = losses[: len(losses) - max(1, len(losses) // _PARTS)]
    # Of one epoch nothing is known but that it was the only one.
    return not earlier or min(earlier) - losses[-1] > _FALL_SHARE * abs(min(earlier))
