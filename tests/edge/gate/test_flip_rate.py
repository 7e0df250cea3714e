"""Flips, counted by hand."""

import numpy as np
import pytest

from edge.gate.flip_rate import flip_rate
from edge.runtime.litert_model import Array
from schema.problem import Task


def column(*values: float) -> Array:
    return np.array(values, np.float32)[:, None]


def test_a_binary_decision_changes_side_of_the_threshold() -> None:
    server, variant = column(0.1, 0.4, 0.6, 0.8), column(0.1, 0.5, 0.35, 0.8)
    labels = np.array([0, 0, 1, 1])
    assert flip_rate(Task.BINARY, labels, server, variant, 0.5) == 0.5
    assert flip_rate(Task.BINARY, labels, server, variant, 0.9) == 0.0


def test_a_class_changes_where_another_is_most_likely() -> None:
    server = np.array([[0.6, 0.4], [0.2, 0.8]], np.float32)
    assert flip_rate(Task.MULTICLASS, np.array([0, 1]), server, server[::-1], 0.5) == 1.0


def test_a_value_changes_by_more_than_a_hundredth_of_the_labels_deviation() -> None:
    # Labels 0 and 200 deviate by 100.
    assert flip_rate(Task.REGRESSION, np.array([0.0, 200.0]), column(1, 198), column(1.5, 196), 0.5) == 0.5


def test_an_output_that_is_not_finite_is_another_decision_and_no_rows_have_none() -> None:
    assert flip_rate(Task.BINARY, np.array([0, 1]), column(0.1, 0.9), column(0.1, np.nan), 0.5) == 0.5
    assert flip_rate(Task.BINARY, np.zeros(0), np.zeros((0, 1)), np.zeros((0, 1)), 0.5) == 0.0


@pytest.mark.parametrize("label", [7.0, 1e-12, 0.1])
def test_values_of_a_constant_label_are_not_flipped_by_rounding(label: float) -> None:
    labels, server = np.full(3, label), column(label, label, label)
    variant = server * np.float32([[1 + 1e-6], [1.009], [1.011]])

    assert flip_rate(Task.REGRESSION, labels, server, variant, 0.5) == pytest.approx(1 / 3)
    assert flip_rate(Task.REGRESSION, 0 * labels, server, variant, 0.5) == pytest.approx(1 / 3)
    assert flip_rate(Task.REGRESSION, 0 * labels, 0 * server, 0 * variant, 0.5) == 0.0
