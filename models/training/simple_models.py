"""What a network has to beat: the best constant, and a linear model of the same encoded features."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tf_keras
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, softmax

from models.data.dataset import Source, spread_columns
from models.preprocessing.statistics import Statistics
from models.training.fit import member_mean
from schema.bound import BoundProblem
from schema.metrics import SMALLEST_PROBABILITY
from schema.problem import Encoding, Task
from schema.training_record import Comparison

_ROWS = 50_000
# Rows times outputs: a linear model of many classes is fitted on fewer rows, so that it takes a second or two.
_SCORES = 300_000
_ITERATIONS = 100
_BATCH = 4096
# Brings ranks, which are even in [0, 1], to a deviation of 1, for which the penalty is meant.
_RANK_SCALE = math.sqrt(12)
# As scikit-learn's LogisticRegression and Ridge have it.
_PENALTY = 1.0

_METRICS = {
    Task.BINARY: "log_loss",
    Task.MULTICLASS: "log_loss",
    Task.REGRESSION: "root_mean_squared_error",
}

Columns = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """Rows of one split as a linear model takes them.

    features: [N, D] ids one-hot, ranks and whether they are missing, and a 1.
    labels: [N] classes, or a regression's standardised label.
    """

    features: sparse.csr_array
    labels: NDArray[Any]


def compared(
    network: tf_keras.Model, bound: BoundProblem, statistics: Statistics, train: Source, evaluation: Source
) -> Comparison:
    """The network's error on the eval split beside those of the two, on the same rows.

    Both are fitted to at most 50,000 rows of the training split, spread over it, and all three are measured on as many
    of the eval split.
    """
    task, outputs = bound.problem.task, bound.problem.outputs
    most = max(1, min(_ROWS, _SCORES // outputs))
    known, asked = (spread_columns(source, bound, most) for source in (train, evaluation))
    rows = _rows(known, bound, statistics), _rows(asked, bound, statistics)
    labels = rows[1].labels
    scores = {
        "candidate": _network_scores(network, asked, bound),
        "constant": np.broadcast_to(_constant(rows[0].labels, bound), (len(labels), outputs)),
        "linear": linear_scores(*rows, task, outputs),
    }
    scale = statistics.label_scale if task is Task.REGRESSION else 1.0
    losses = {name: row_losses(values, labels, task) for name, values in scores.items()}
    errors = {name: error(values, task) * scale for name, values in losses.items()}
    leads = is_clearly_less(losses["linear"], losses["candidate"])
    return Comparison(metric=_METRICS[task], rows=len(labels), **errors, linear_leads=leads)


def is_clearly_less(losses: Floats, others: Floats) -> bool:
    """Whether losses [N] are less than others of the same rows by more than a standard error of the mean difference."""
    apart = others - losses
    return bool(apart.mean() > apart.std() / math.sqrt(len(apart)))


def error(losses: Floats, task: Task) -> float:
    """Log loss in nats, or root mean squared error, of the rows' losses [N]."""
    return math.sqrt(losses.mean()) if task is Task.REGRESSION else float(losses.mean())


def row_losses(scores: NDArray[Any], labels: NDArray[Any], task: Task) -> Floats:
    """Of each row [N] the nats of probabilities [N, outputs], or the squared error of values [N, 1]."""
    if task is Task.REGRESSION:
        squares: Floats = np.square(scores[:, 0].astype(np.float64) - labels)
        return squares
    chances = np.hstack([1.0 - scores, scores]) if task is Task.BINARY else scores
    right = chances[np.arange(len(labels)), labels.astype(np.int64)].astype(np.float64)
    losses: Floats = -np.log(np.clip(right, SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY))
    return losses


def linear_scores(train: Rows, asked: Rows, task: Task, outputs: int) -> Floats:
    """Scores [N, outputs] of a ridge, logistic or softmax regression fitted to `train`; the same every time."""
    shape = (train.features.shape[1], outputs)
    targets = _targets(train.labels, task, outputs)
    found = minimize(
        _objective, np.zeros(math.prod(shape)), (train.features, targets, task), "L-BFGS-B", jac=True,
        options={"maxiter": _ITERATIONS},
    )  # fmt: skip
    return _answers(asked.features @ found.x.reshape(shape), task)


def _objective(flat: Floats, features: sparse.csr_array, targets: Floats, task: Task) -> tuple[float, Floats]:
    weights = flat.reshape(features.shape[1], -1)
    logits = features @ weights
    if task is Task.REGRESSION:
        loss = 0.5 * np.square(logits - targets).sum()
    elif task is Task.BINARY:
        loss = (np.logaddexp(0.0, logits) - targets * logits).sum()
    else:
        loss = -(targets * log_softmax(logits, axis=1)).sum()
    # The last feature is the constant, which is not held down.
    held = weights.copy()
    held[-1] = 0.0
    slope = features.T @ (_answers(logits, task) - targets) + _PENALTY * held
    return float(loss + 0.5 * _PENALTY * np.square(held).sum()), slope.ravel()


def _answers(logits: Floats, task: Task) -> Floats:
    if task is Task.REGRESSION:
        return logits
    answers: Floats = expit(logits) if task is Task.BINARY else softmax(logits, axis=1)
    return answers


def _targets(labels: NDArray[Any], task: Task, outputs: int) -> Floats:
    if task is Task.MULTICLASS:
        classes: Floats = np.eye(outputs)[labels.astype(np.int64)]
        return classes
    values: Floats = labels[:, np.newaxis].astype(np.float64)
    return values


def _constant(labels: NDArray[Any], bound: BoundProblem) -> Floats:
    """The mean of the labels, or the shares of the classes: [outputs]."""
    shares: Floats = _targets(labels, bound.problem.task, bound.problem.outputs).mean(axis=0)
    return shares


def _rows(columns: Columns, bound: BoundProblem, statistics: Statistics) -> Rows:
    labels = columns[bound.problem.label]
    parts = []
    for name, feature in bound.problem.features.items():
        if feature.encoding is Encoding.QUANTILES:
            absent = columns[name] < 0
            ranks = np.where(absent, 0.0, (columns[name] - 0.5) * _RANK_SCALE)
            parts.append(sparse.csr_array(np.stack([ranks, absent], axis=1)))
        else:
            parts.append(_one_hot(columns[name], statistics.ids(bound, name)))
    parts.append(sparse.csr_array(np.ones((len(labels), 1))))
    return Rows(sparse.hstack(parts, format="csr"), labels)


def _one_hot(ids: NDArray[Any], count: int) -> sparse.csr_array:
    rows = np.arange(len(ids) + 1)
    return sparse.csr_array((np.ones(len(ids)), ids.astype(np.int64), rows), shape=(len(ids), count))


def _network_scores(network: tf_keras.Model, columns: Columns, bound: BoundProblem) -> NDArray[Any]:
    features = {name: columns[name] for name in bound.problem.features}
    rows = len(columns[bound.problem.label])
    parts = [
        member_mean(
            network({name: column[first : first + _BATCH] for name, column in features.items()}), bound.problem.task
        )
        for first in range(0, rows, _BATCH)
    ]
    return np.concatenate([part.numpy() for part in parts])
