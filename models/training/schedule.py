"""What of a network's settings is left open, decided by the rows: its steps, their number, and its numeric basis."""

import math
from dataclasses import dataclass, fields

from schema.bound import BoundProblem
from schema.problem import Network

# Epochs at least of a training, of a trial of the tuner, and of a fine-tuning.
TRAINING_EPOCHS, TRIAL_EPOCHS, FINE_TUNING_EPOCHS = 8, 2, 3

# Tables of 20,000 to 1,000,000 rows are trained on with batches of 256 to 1,024, larger ones with more rows, which is
# about a 64th of them (Gorishniy et al., Revisiting Deep Learning Models for Tabular Data, 2021, arXiv:2106.11959).
_STEPS_PER_EPOCH = 64
_SMALLEST_BATCH, _LARGEST_BATCH = 16, 1024
# What n rows tell of a curve grows with a low power of n: the pieces of a regression spline with n^(1/5) to n^(1/3)
# (Stone, Optimal Global Rates of Convergence for Nonparametric Regression, 1982). The root between them.
_KNOTS_EXPONENT = 1 / 4
_FEWEST_KNOTS, _MOST_KNOTS = 2, 16
_EPOCHS_PER_PATIENCE = 4
_SHORTEST_PATIENCE = 2


@dataclass(frozen=True)
class Course:
    """The settings of problem.yaml's `network` that may follow the rows, decided.

    batch_size: rows per step on each replica.
    epochs: passes over the training split at most.
    patience: epochs without a better eval loss before training stops.
    numeric_knots: knots of each number's piecewise-linear basis.
    """

    batch_size: int
    epochs: int
    patience: int
    numeric_knots: int


def course(network: Network, rows: int, replicas: int = 1, least_epochs: int = TRAINING_EPOCHS) -> Course:
    """The settings that are given, and in place of each None what suits the rows.

    The batch is the largest power of two from 16 to 1,024 with which an epoch has 64 steps or more. A table too small
    for 64 steps of 16 rows gets more epochs instead, until there are as many steps as `least_epochs` such epochs have:
    a network learns by steps, and eight epochs of one step teach it next to nothing. Patience is a quarter of the
    epochs, so that it covers as many steps everywhere. The knots are the fourth root of the rows, rounded down to a
    power of two so that they seldom change while a table grows (a warm start needs the same ones).

    Args:
        network: settings; None stands for what follows the rows.
        rows: of the training split, 1 or more for each replica.
        replicas: that share each step.
        least_epochs: epochs of a table that is large enough.
    """
    share = rows // replicas
    batch = network.batch_size or _batch(share)
    steps = share // min(batch, share)
    epochs = network.epochs or max(least_epochs, math.ceil(least_epochs * _STEPS_PER_EPOCH / steps))
    patience = network.patience or max(_SHORTEST_PATIENCE, epochs // _EPOCHS_PER_PATIENCE)
    return Course(batch, epochs, patience, network.numeric_knots or _knots(rows))


def _batch(rows: int) -> int:
    return min(max(_power_of_two(rows / _STEPS_PER_EPOCH), _SMALLEST_BATCH), _LARGEST_BATCH)


def _knots(rows: int) -> int:
    # The root of a power of two is rounded: 4096 ** 0.25 may come out a little below 8.
    return min(max(_power_of_two(round(rows**_KNOTS_EXPONENT, 9)), _FEWEST_KNOTS), _MOST_KNOTS)


def _power_of_two(number: float) -> int:
    """The largest power of two up to the number; 1 below 1."""
    return 1 << int(math.log2(max(number, 1)))


def derived_settings(network: Network) -> list[str]:
    """Names of the settings that follow the rows, in order."""
    return [setting.name for setting in fields(Course) if getattr(network, setting.name) is None]


def settled(bound: BoundProblem, rows: int, replicas: int = 1, least_epochs: int = TRAINING_EPOCHS) -> BoundProblem:
    """The problem with nothing left open in its network; see `course`."""
    decided = course(bound.problem.network, rows, replicas, least_epochs)
    network = bound.problem.network.model_copy(update=vars(decided))
    return bound.model_copy(update={"problem": bound.problem.model_copy(update={"network": network})})
