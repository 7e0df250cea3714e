"""Each replicate is what TFMA derives of the rows that are left, summed anew."""

import json
import math
from typing import Any

import numpy as np
import pytest
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import config_util

from components.evaluation.eval_config import eval_config
from evaluation.computations import computations
from evaluation.intervals import Intervals, intervals
from evaluation.shard_totals import SliceTotals
from evaluation.totals import total
from evaluation.vector_form import CELLS, Scored
from tests.evaluation.conftest import CASES

FOLDS = 5


def config_of(task: str) -> config_pb2.EvalConfig:
    problem = CASES[task]().problem
    asked = problem.evaluation.model_copy(update={"intervals": True})
    config = eval_config(problem.model_copy(update={"evaluation": asked}))
    return config_util.update_eval_config_with_defaults(config, has_baseline=False, rubber_stamp=True)


def intervals_of(config: config_pb2.EvalConfig) -> Intervals:
    found = intervals(config, computations(config))
    assert found is not None
    return found


def folded(asked: Intervals, rows: Scored, fold: Any) -> SliceTotals:
    found = [leaf.form.cells(rows) for leaf in asked.tree.leaves]
    return SliceTotals((), tuple(total(fold * CELLS + cells.cell, cells.values) for cells in found))


def by_name(values: dict[Any, Any]) -> dict[str, Any]:
    return {key.name: value for key, value in values.items()}


def whole_tree(config: config_pb2.EvalConfig, rows: Scored) -> dict[str, Any]:
    """All that TFMA derives of the rows, by name."""
    tree, results = computations(config), {}
    for leaf in tree.leaves:
        cells = leaf.form.cells(rows)
        results.update(leaf.form.output(total(cells.cell, cells.values)))
    with np.errstate(divide="ignore", invalid="ignore"):
        return by_name(tree.derive(results))


def rows_of(task: str, count: int) -> Scored:
    random = np.random.default_rng(count)
    if task == "multiclass":
        return Scored("m", random.integers(0, 3, count), random.dirichlet((1, 1, 1), count).astype(np.float32))
    # Scores tie and lie on the edges of the histogram; a label may be a share.
    scores = np.round(random.random((count, 1)), 3).astype(np.float32)
    scores[:3, 0] = (1e-7, 0.9999999, 0.5)
    labels = random.choice([0.0, 1.0, 0.3], count) if task == "binary" else random.normal(5, 2, count)
    return Scored("m", labels, scores)


def without(rows: Scored, out: Any) -> Scored:
    return Scored(rows.model, rows.labels[~out], rows.predictions[~out])


NAMES = {
    "binary": {"auc", "pr_auc", "binary_accuracy", "log_loss", "calibration"},
    "multiclass": {"accuracy", "log_loss"},
    "regression": {"mean_absolute_error", "mean_squared_error", "mean_prediction"},
}


@pytest.mark.parametrize("count", [40, 3000])
@pytest.mark.parametrize("task", list(CASES))
def test_a_replicate_is_what_tfma_derives_of_the_rows_that_are_left(task: str, count: int) -> None:
    config, rows = config_of(task), rows_of(task, count)
    fold = np.random.default_rng(3).integers(0, FOLDS, count)
    asked = intervals_of(config)

    replicates = by_name(asked.replicates(folded(asked, rows, fold)))

    assert set(replicates) == NAMES[task]
    for number in range(FOLDS):
        theirs = whole_tree(config, without(rows, fold == number))
        for name, values in replicates.items():
            # Keras sums in float32, of which our order of summation may change the last digit.
            tolerance = 1e-6 if task == "multiclass" else 1e-9
            assert values[number] == pytest.approx(theirs[name], rel=tolerance, nan_ok=True), (name, number)


@pytest.mark.parametrize("options", [{}, {"thresholds": [0.25, 0.75]}])
def test_without_a_class_a_curve_has_no_area_where_tfma_says_zero_or_one(options: dict[str, Any]) -> None:
    config = config_of("binary")
    for metric in config.metrics_specs[0].metrics[1:3]:
        metric.config = json.dumps({**json.loads(metric.config), **options})
    asked = intervals_of(config)
    rows, fold = Scored("m", np.array([1, 1, 1, 0]), np.full((4, 1), 0.5, np.float32)), np.array([0, 1, 2, 2])

    replicates = by_name(asked.replicates(folded(asked, rows, fold)))

    # The one negative row goes with the last fold.
    for name in ("auc", "pr_auc"):
        assert [math.isnan(value) for value in replicates[name]] == [False, False, True]
    assert replicates["binary_accuracy"].tolist() == pytest.approx([2 / 3, 2 / 3, 1.0])
    assert math.isnan(whole_tree(config, without(rows, fold == 2))["auc"])


def test_only_folds_with_a_row_have_a_replicate() -> None:
    asked = intervals_of(config_of("regression"))
    rows = Scored("m", np.array([1.0, 2.0]), np.zeros((2, 1), np.float32))

    replicates = by_name(asked.replicates(folded(asked, rows, np.array([4, 19]))))

    assert replicates["mean_absolute_error"].tolist() == [2.0, 1.0]


def test_no_metric_with_an_interval_is_no_interval() -> None:
    config = config_of("binary")
    del config.metrics_specs[0].metrics[1:]

    assert [metric.class_name for metric in config.metrics_specs[0].metrics] == ["ExampleCount"]
    assert intervals(config, computations(config)) is None
