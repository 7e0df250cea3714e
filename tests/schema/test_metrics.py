"""The metrics of each task, and the bounds that make no sense for them."""

import pytest

from schema.errors import InputError
from schema.metrics import MAIN, check_evaluation, metrics_of
from schema.problem import Evaluation, Task


@pytest.mark.parametrize(
    ("task", "names"),
    [
        (Task.BINARY, {"auc", "pr_auc", "binary_accuracy", "log_loss", "calibration"}),
        (Task.MULTICLASS, {"accuracy", "log_loss"}),
        (Task.REGRESSION, {"mean_absolute_error", "mean_squared_error", "mean_prediction"}),
    ],
)
def test_a_task_has_its_own_metrics(task: Task, names: set[str]) -> None:
    found = metrics_of(task)

    assert set(found) == names
    assert {metric.task for metric in found.values()} == {task}
    assert all(name == metric.name for name, metric in found.items())


@pytest.mark.parametrize("task", list(Task))
def test_the_main_metric_is_one_of_the_tasks_and_has_a_better_way(task: Task) -> None:
    assert metrics_of(task)[MAIN[task]].higher_is_better is not None


def test_errors_and_losses_are_better_low_and_the_rest_high_or_neither_way() -> None:
    ways = {metric.name: metric.higher_is_better for task in Task for metric in metrics_of(task).values()}

    assert {name for name, way in ways.items() if way is False} == {
        "log_loss",
        "mean_absolute_error",
        "mean_squared_error",
    }
    assert {name for name, way in ways.items() if way is None} == {"calibration", "mean_prediction"}


@pytest.mark.parametrize(
    ("task", "evaluation"),
    [
        (Task.BINARY, Evaluation()),
        (Task.BINARY, Evaluation(bounds={"auc": 0.7, "log_loss": 0.5}, changes={"pr_auc": 0.01})),
        (Task.BINARY, Evaluation(metrics=("auc",), bounds={"auc": 0.7})),
        (Task.BINARY, Evaluation(metrics=("calibration",))),
        (Task.MULTICLASS, Evaluation(slices=(("soil",),), slice_bounds={"accuracy": 0.5})),
        (Task.REGRESSION, Evaluation(bounds={"mean_absolute_error": 1.5})),
    ],
)
def test_what_can_be_held_to_is_taken(task: Task, evaluation: Evaluation) -> None:
    assert check_evaluation(evaluation, task) is None


@pytest.mark.parametrize(
    ("task", "evaluation", "fault"),
    [
        (Task.BINARY, Evaluation(metrics=("auc", "acu")), "metrics: unknown metric 'acu'. Did you mean 'auc'?"),
        (
            Task.MULTICLASS,
            Evaluation(metrics=("auc",)),
            "metrics: unknown metric 'auc'. Known keys: accuracy, log_loss.",
        ),
        (
            Task.BINARY,
            Evaluation(bounds={"log_los": 0.5}),
            "bounds: 'log_los' is not measured. Did you mean 'log_loss'?",
        ),
        (
            Task.REGRESSION,
            Evaluation(changes={"mean_abs_error": 1}),
            "changes: 'mean_abs_error' is not measured. Did you mean 'mean_absolute_error'?",
        ),
        (
            Task.MULTICLASS,
            Evaluation(slices=(("soil",),), slice_bounds={"acuracy": 0.5}),
            "slice_bounds: 'acuracy' is not measured. Did you mean 'accuracy'?",
        ),
        (
            Task.BINARY,
            Evaluation(metrics=("auc",), bounds={"pr_auc": 0.7}),
            "bounds: 'pr_auc' is not measured. Did you mean 'auc'?",
        ),
        (
            Task.BINARY,
            Evaluation(bounds={"calibration": 1.0}),
            "bounds: 'calibration' takes no bound: neither more nor less of it is better",
        ),
        (
            Task.REGRESSION,
            Evaluation(changes={"mean_prediction": 1.0}),
            "changes: 'mean_prediction' takes no bound: neither more nor less of it is better",
        ),
        (
            Task.BINARY,
            Evaluation(slice_bounds={"auc": 0.7}),
            "slice_bounds: expected evaluation.slices beside it. Received: none",
        ),
    ],
)
def test_what_nothing_would_be_held_to_is_refused(task: Task, evaluation: Evaluation, fault: str) -> None:
    with pytest.raises(InputError) as caught:
        check_evaluation(evaluation, task)

    assert str(caught.value) == f"problem.yaml: evaluation.{fault}"
