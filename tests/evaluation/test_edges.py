"""Every metric where it is easily wrong: one row, one class, no spread, certainty, ties. Values worked out by hand."""

import json
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from components.evaluation.eval_config import eval_config
from components.release.release_gate import evaluation_reasons
from evaluation.computations import computations
from evaluation.results import Validated
from evaluation.scored_slices import ScoredSlices
from evaluation.slices import row_slices
from evaluation.totals import total
from evaluation.vector_form import Scored
from schema.metrics import metrics_of, why_undefined
from schema.problem import Task
from tests.evaluation.cases import binary_case
from tests.evaluation.conftest import CASES
from tests.evaluation.test_replicates import config_of
from tests.evaluation.vectors import vectors

NONE = math.nan
RIGHT, WRONG = 1e-7, -math.log(1e-7)
LN2 = math.log(2)

# Labels, probabilities, and auc, pr_auc, binary_accuracy (above 0.37), log_loss, calibration.
BINARY = {
    "one positive row": ([1], [0.5], (NONE, NONE, 1, LN2, 0.5)),
    "one negative row": ([0], [0.25], (NONE, NONE, 1, -math.log(0.75), NONE)),
    "one row, certain and right": ([1], [1.0], (NONE, NONE, 1, RIGHT, 1)),
    "one row, certain and wrong": ([1], [0.0], (NONE, NONE, 0, WRONG, 0)),
    "all positive": ([1, 1], [0.5, 0.25], (NONE, NONE, 0.5, LN2 * 1.5, 0.375)),
    "all negative": ([0, 0], [0.5, 0.5], (NONE, NONE, 0, LN2, NONE)),
    "all certain and right": ([1, 0, 1, 0], [1.0, 0.0, 1.0, 0.0], (1, 1, 1, RIGHT, 1)),
    # Between recall 0 at precision 0 and recall 1 at precision 1/2, precision is t / (t + 1) at recall t.
    "all certain and wrong": ([1, 0], [0.0, 1.0], (0, 1 - LN2, 0, WRONG, 1)),
    # By chance: a tie is half in order, and precision is the share of positives.
    "constant prediction": ([1, 0, 0, 0], [0.5] * 4, (0.5, 0.25, 0.25, LN2, 2)),
    "constant 0": ([1, 0], [0.0, 0.0], (0.5, 0.5, 0.5, (WRONG + RIGHT) / 2, 0)),
    "constant 1": ([1, 0], [1.0, 1.0], (0.5, 0.5, 0.5, (WRONG + RIGHT) / 2, 2)),
    # One of the two positives is above both negatives, one ties with one of them: 3.5 of 4 pairs.
    "a tie": ([1, 1, 0, 0], [0.75, 0.5, 0.5, 0.25], (0.875, None, 0.75, None, 1)),
}


@pytest.mark.parametrize("rows", list(BINARY))
def test_binary_metrics_at_their_edges(rows: str) -> None:
    labels, probabilities, expected = BINARY[rows]

    found = vectors("binary").metrics(labels, probabilities)

    assert found.pop("example_count") == len(labels)
    names = ("auc", "pr_auc", "binary_accuracy", "log_loss", "calibration")
    for name, value in zip(names, expected, strict=True):
        if value is not None:
            assert found[name] == pytest.approx(value, rel=1e-6, abs=1e-12, nan_ok=True), name
    assert set(found) == set(names) == set(metrics_of(Task.BINARY))


MULTICLASS = {
    "one row": ([1], [[0.25, 0.5, 0.25]], (1, LN2)),
    "one row, certain and right": ([2], [[0.0, 0.0, 1.0]], (1, 0)),
    # Keras clips to 1e-7 and then lets the clipped scores sum to 1.
    "one row, certain and wrong": ([0], [[0.0, 0.0, 1.0]], (0, WRONG)),
    "constant label and prediction": ([0, 0], [[0.5, 0.25, 0.25]] * 2, (1, LN2)),
    # The first of equal scores is the class that is predicted.
    "ties": ([0, 1], [[0.5, 0.5, 0.0]] * 2, (0.5, LN2)),
}


@pytest.mark.parametrize("rows", list(MULTICLASS))
def test_class_metrics_at_their_edges(rows: str) -> None:
    labels, scores, (accuracy, log_loss) = MULTICLASS[rows]

    found = vectors("multiclass").metrics(labels, scores)

    assert found == pytest.approx(
        {"example_count": len(labels), "accuracy": accuracy, "log_loss": log_loss}, rel=1e-5, abs=1e-6
    )


REGRESSION = {
    "one row": ([2.0], [5.0], (3, 9, 5)),
    "one right row": ([2.0], [2.0], (0, 0, 2)),
    "constant label and prediction": ([2.0, 2.0], [1.0, 1.0], (1, 1, 1)),
    "a label in seconds since 1970, off by 75 on the whole": (
        [1.7e9, 1.7e9],
        [1.7e9, 1.7e9 + 128],
        (64, 8192, 1.7e9 + 64),
    ),
    "labels of 1e30": ([1e30, -1e30], [-1e30, 1e30], (2e30, 4e60, 0)),
    "labels of 1e-30": ([1e-30, 3e-30], [2e-30, 2e-30], (1e-30, 1e-60, 2e-30)),
}


@pytest.mark.parametrize("rows", list(REGRESSION))
def test_regression_metrics_at_their_edges(rows: str) -> None:
    labels, values, (absolute, squared, mean) = REGRESSION[rows]

    found = vectors("regression").metrics(np.array(labels), values)

    assert found["mean_absolute_error"] == pytest.approx(absolute, rel=1e-6, abs=0)
    assert found["mean_squared_error"] == pytest.approx(squared, rel=1e-6, abs=0)
    assert found["mean_prediction"] == pytest.approx(mean, rel=1e-6, abs=0)


@pytest.mark.parametrize("label", [0, 1])
def test_a_bound_on_rows_of_one_class_is_refused_with_why_and_of_how_many(label: int) -> None:
    config = config_of("binary")
    tree, results = computations(config), {}
    for leaf in tree.leaves:
        cells = leaf.form.cells(Scored("model", np.full(3, label), np.full((3, 1), 0.9, np.float32)))
        results |= leaf.form.output(total(cells.cell, cells.values))

    with np.errstate(divide="ignore", invalid="ignore"):
        verdict = Validated(config)(((), tree.derive(results)))

    assert "overall: auc is undefined: 3 rows, all of one class" in evaluation_reasons(verdict, {"overall": 3}, 1)


def test_device_metrics_are_of_the_same_kind_slice_by_slice() -> None:
    problem = binary_case().problem
    column = pa.array([["a"], ["a"], ["b"], []])
    evaluation = problem.evaluation.model_copy(update={"slices": (("site",),)})
    config = eval_config(problem.model_copy(update={"evaluation": evaluation}))
    found = ScoredSlices(config, np.array([1, 0, 1, 0]), row_slices({"site": column}, [(), ("site",)], 4))

    # An int8 output is exactly 0 or 1 as soon as its sigmoid is within 1/512 of it.
    whole, both, one = found.metrics("int8", np.array([[1.0], [0.0], [1.0], [0.0]], np.float32))

    assert (whole["auc"], both["auc"], one["auc"], one["pr_auc"]) == (1.0, 1.0, None, None)
    assert [part["log_loss"] for part in (whole, both, one)] == pytest.approx([RIGHT] * 3, rel=1e-6)
    assert json.dumps(one, allow_nan=False)


@pytest.mark.parametrize(
    ("metric", "rows", "why"),
    [
        ("auc", 0, "no rows"),
        ("auc", 1, "1 row, all of one class"),
        ("pr_auc", 1200, "1,200 rows, all of one class"),
        ("calibration", 12, "12 rows, none of the positive class"),
        ("mean_absolute_error", 3, "3 rows, of which it is no finite number"),
    ],
)
def test_what_is_undefined_says_why(metric: str, rows: int, why: str) -> None:
    assert why_undefined(metric, rows) == why


def test_every_case_has_every_metric_of_its_task() -> None:
    for name, case in CASES.items():
        known: dict[str, Any] = dict(metrics_of(case().problem.task))
        assert set(known) | {"example_count"} == {key.name for key in _keys(name) if not key.name.startswith("_")}


def _keys(task: str) -> list[Any]:
    tree = vectors(task).tree
    return [key for part in (*tree.leaves, *tree.derived) for key in part.keys]
