"""Every metric that a problem may name has a vector form; what has none is refused by name."""

import json

import pytest
from tensorflow_model_analysis.metrics import metric_specs, metric_types
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import config_util

from components.evaluation.eval_config import eval_config
from evaluation.computations import computations
from evaluation.registry import FORMS
from schema.errors import InputError
from schema.metrics import metrics_of
from schema.problem import Problem, Task
from tests.evaluation.conftest import CASES


def config_of(problem: Problem, *, baseline: bool = True) -> config_pb2.EvalConfig:
    return config_util.update_eval_config_with_defaults(eval_config(problem), has_baseline=baseline, rubber_stamp=True)


def with_metric(class_name: str, **options: object) -> config_pb2.EvalConfig:
    config = config_of(CASES["binary"]().problem)
    config.metrics_specs[0].metrics.append(config_pb2.MetricConfig(class_name=class_name, config=json.dumps(options)))
    return config


@pytest.mark.parametrize("task", list(Task))
def test_each_metric_alone_and_every_plot_of_a_task_has_a_vector_form_of_both_models(task: Task) -> None:
    problem = CASES[task.value]().problem
    for name in metrics_of(task):
        alone = problem.evaluation.model_copy(update={"metrics": (name,), "bounds": {}, "changes": {}})
        config = config_of(problem.model_copy(update={"evaluation": alone}))

        tree = computations(config)

        stock = metric_specs.to_computations(list(config.metrics_specs), eval_config=config)
        rows = {computation for computation in stock if isinstance(computation, metric_types.MetricComputation)}
        assert len(tree.leaves) == len(rows) > 0
        assert {leaf.model for leaf in tree.leaves} == {"candidate", "baseline"}


def test_the_tasks_use_every_form_there_is() -> None:
    used = {
        type(leaf.form)
        for case in CASES.values()
        for leaf in computations(config_of(case().problem, baseline=False)).leaves
    }

    assert used == set(FORMS.values())


def test_what_several_metrics_and_plots_share_is_computed_once() -> None:
    leaves = computations(config_of(CASES["binary"]().problem, baseline=False)).leaves

    # auc, pr_auc and two plots share a histogram; the count, the accuracy, the log loss and the calibration do not.
    assert len(leaves) == 5


def test_a_metric_without_a_vector_form_is_named_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"^squared_pearson\w*: no vector form of TFMA's Squared\w+\. Known: Binary"):
        computations(with_metric("SquaredPearsonCorrelation"))


def test_a_metric_of_one_class_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected a metric of all outputs without weights\. Received: classId:1"):
        computations(with_metric("AUC", class_id=1, name="auc_of_one"))


def test_a_keras_metric_that_is_no_mean_of_rows_is_refused() -> None:
    with pytest.raises(InputError, match=r"mean of a value a row\. Received: RootMeanSquaredError"):
        computations(with_metric("RootMeanSquaredError", name="root"))


def test_a_smoothed_cross_entropy_is_refused() -> None:
    with pytest.raises(InputError, match=r"with label_smoothing 0\.0\. Received: 0\.1"):
        computations(with_metric("BinaryCrossEntropy", label_smoothing=0.1, name="smooth"))


def test_a_class_matrix_at_several_thresholds_is_refused() -> None:
    with pytest.raises(InputError, match=r"at one threshold\. Received: \[0\.1, 0\.5\]"):
        computations(with_metric("MultiClassConfusionMatrixPlot", thresholds=[0.1, 0.5], name="matrix"))
