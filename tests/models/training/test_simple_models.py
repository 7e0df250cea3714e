"""What a network has to beat: a constant and a linear model, against values worked out by hand and scikit-learn's."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge

from models.data.dataset import spread_columns
from models.network.network import build_network
from models.preprocessing.statistics import Statistics
from models.training.simple_models import Rows, compared, error, is_clearly_less, linear_scores, row_losses
from schema.problem import Task
from tests.models.training_case import STATISTICS, bound_problem, rows, write_shards


@pytest.mark.parametrize(
    ("task", "scores", "labels", "expected"),
    [
        (Task.BINARY, [[0.75], [0.5]], [1, 0], (math.log(4 / 3) + math.log(2)) / 2),
        (Task.MULTICLASS, [[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]], [1, 2], (math.log(4) + math.log(5 / 3)) / 2),
        (Task.REGRESSION, [[1.0], [5.0]], [1.0, 2.0], math.sqrt(9 / 2)),
        (Task.BINARY, [[1.0], [0.0]], [1, 0], 0.0),  # wholly confident and right
    ],
)
def test_an_error_is_worked_out(task: Task, scores: Any, labels: Any, expected: float) -> None:
    assert error(row_losses(np.array(scores), np.array(labels), task), task) == pytest.approx(expected, abs=1e-6)


def test_a_lead_counts_from_a_standard_error_of_the_difference_on() -> None:
    # Differences of 1, 1 and -1: their mean is 0.33, their deviation 0.94 and its share of the root of 3 rows 0.54.
    assert not is_clearly_less(np.zeros(3), np.array([1.0, 1.0, -1.0]))
    # Of 12 such rows the mean is the same and its error half as large.
    assert is_clearly_less(np.zeros(12), np.array([1.0, 1.0, -1.0] * 4))
    assert not is_clearly_less(np.zeros(3), np.zeros(3))


def drawn(task: Task) -> tuple[Rows, Any]:
    """300 rows of three features and a constant, whose label follows the features with noise."""
    random = np.random.default_rng(3)
    features = random.normal(size=(300, 3))
    signal = features @ np.array([[1.0, -2.0, 0.5], [0.5, 1.0, -1.0], [0.0, 0.3, 0.8]]) + random.normal(size=(300, 3))
    labels = {
        Task.BINARY: (signal[:, 0] > 0.5).astype(np.int64),
        Task.MULTICLASS: signal.argmax(axis=1),
        Task.REGRESSION: signal[:, 0],
    }[task]
    return Rows(sparse.csr_array(np.hstack([features, np.ones((300, 1))])), labels), features


@pytest.mark.parametrize("task", list(Task))
def test_the_linear_model_is_that_of_scikit_learn(task: Task) -> None:
    data, features = drawn(task)

    found = linear_scores(data, data, task, 3 if task is Task.MULTICLASS else 1)

    if task is Task.REGRESSION:
        expected = Ridge(alpha=1.0).fit(features, data.labels).predict(features)[:, np.newaxis]
    else:
        expected = LogisticRegression(C=1.0, tol=1e-8).fit(features, data.labels).predict_proba(features)
        expected = expected[:, 1:] if task is Task.BINARY else expected
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_a_model_is_compared_on_the_rows_of_the_eval_split(tmp_path: Path) -> None:
    # One carrier of three is late, which a linear model learns of the carrier's id; a network of zeros says a half.
    train, evaluation = (
        write_shards(tmp_path, split, [rows(count)]) for split, count in (("train", 300), ("eval", 30))
    )
    network = build_network(bound_problem(), STATISTICS)
    network.set_weights([np.zeros(value.shape, np.float32) for value in network.get_weights()])

    found = compared(network, bound_problem(), STATISTICS, train, evaluation)

    entropy = math.log(3) - 2 / 3 * math.log(2)  # of a third
    assert (found.metric, found.rows) == ("log_loss", 30)
    assert found.constant == pytest.approx(entropy, abs=1e-6)
    assert found.candidate == pytest.approx(math.log(2), abs=1e-6)
    assert found.linear < 0.05
    assert found.linear_leads


def test_a_regressions_errors_are_in_the_labels_unit(tmp_path: Path) -> None:
    some = [{**row, "late": 1.0 if place % 2 else -1.0} for place, row in enumerate(rows(40))]
    source = write_shards(tmp_path, "train", [some])
    known = Statistics(STATISTICS.vocabularies, STATISTICS.boundaries, label_mean=50.0, label_scale=7.0)
    bound = bound_problem(Task.REGRESSION)

    found = compared(build_network(bound, known), bound, known, source, source)

    assert (found.metric, found.constant) == ("root_mean_squared_error", pytest.approx(7.0))


def test_rows_are_spread_over_the_whole_split(tmp_path: Path) -> None:
    source = write_shards(tmp_path, "train", [rows(100)])

    found = spread_columns(source, bound_problem(), 30)

    assert found["distance"].tolist() == pytest.approx([place / 100 for place in range(0, 100, 4)])
