"""Metrics against values worked out by hand."""

import math

import numpy as np
import pytest

from edge.metrics import auc, log_loss, main_metric
from schema.problem import Task


@pytest.mark.parametrize(
    ("labels", "scores", "value"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], 1.0),
        ([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4], 0.0),
        # Pairs (positive, negative): .35 over .1, not over .4; .8 over both: 3 of 4.
        ([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], 0.75),
        ([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5], 0.5),
        # .2 ties with .2 (half) and beats .1; .3 beats both: 3.5 of 4.
        ([0, 0, 1, 1], [0.1, 0.2, 0.2, 0.3], 0.875),
        ([1, 0, 0], [0.5, 0.5, 0.9], 0.25),
    ],
)
def test_auc(labels: list[int], scores: list[float], value: float) -> None:
    assert auc(np.array(labels), np.array(scores)) == value


def test_auc_counts_pairs() -> None:
    draw = np.random.default_rng(0)
    labels, scores = draw.integers(0, 2, 200), draw.integers(0, 20, 200) / 20
    gaps = scores[labels == 1][:, None] - scores[labels == 0][None, :]
    found = auc(labels, scores)
    assert found == pytest.approx(float(np.mean((gaps > 0) + 0.5 * (gaps == 0))), abs=1e-12)


def test_auc_of_one_class_is_undefined() -> None:
    assert auc(np.zeros(3), np.array([0.1, 0.2, 0.3])) is None
    assert auc(np.ones(3), np.array([0.1, 0.2, 0.3])) is None


def test_log_loss_by_hand() -> None:
    binary = log_loss(Task.BINARY, np.array([1, 0]), np.array([[0.5], [0.25]]))
    assert binary == pytest.approx(-(math.log(0.5) + math.log(0.75)) / 2)
    classes = log_loss(Task.MULTICLASS, np.array([2, 0]), np.array([[0.1, 0.1, 0.8], [0.5, 0.25, 0.25]]))
    assert classes == pytest.approx(-(math.log(0.8) + math.log(0.5)) / 2)
    certain = log_loss(Task.BINARY, np.array([1]), np.array([[0.0]], np.float32))
    assert certain == pytest.approx(-math.log(1e-7))
    assert log_loss(Task.REGRESSION, np.array([1.0]), np.array([[1.0]])) is None


def test_main_metric_of_each_task() -> None:
    assert main_metric(Task.BINARY, np.array([0, 1]), np.array([[0.2], [0.3]])) == 1.0
    assert main_metric(Task.MULTICLASS, np.array([0, 1]), np.array([[0.9, 0.1], [0.6, 0.4]])) == 0.5
    assert main_metric(Task.REGRESSION, np.array([1.0, 5.0]), np.array([[2.0], [2.0]])) == 2.0


def test_undefined_metrics_are_none() -> None:
    assert main_metric(Task.BINARY, np.array([0, 1]), np.array([[np.nan], [0.3]])) is None
    assert main_metric(Task.REGRESSION, np.zeros(0), np.zeros((0, 1))) is None
    assert log_loss(Task.BINARY, np.array([0, 1]), np.array([[np.inf], [0.3]])) is None
