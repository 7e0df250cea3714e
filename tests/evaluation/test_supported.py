"""Settings that would be left out in silence are refused."""

from collections.abc import Callable

import pytest
from tensorflow_model_analysis.proto import config_pb2

from components.evaluation.eval_config import eval_config
from evaluation.supported import check_config
from schema.errors import InputError
from tests.evaluation.conftest import CASES


def weigh(config: config_pb2.EvalConfig) -> None:
    config.model_specs[0].example_weight_key = "weight"


def leave_small_slices_out(config: config_pb2.EvalConfig) -> None:
    config.options.min_slice_size.value = 10


def cross(config: config_pb2.EvalConfig) -> None:
    config.cross_slicing_specs.add()


def group(config: config_pb2.EvalConfig) -> None:
    config.metrics_specs[0].query_key = "site"


def fix(config: config_pb2.EvalConfig) -> None:
    config.slicing_specs[1].feature_values["site"] = "north"


def hold_pairs(config: config_pb2.EvalConfig) -> None:
    config.metrics_specs[0].metrics[0].cross_slice_thresholds.add()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (weigh, r"ModelSpec\.example_weight_key"),
        (leave_small_slices_out, r"Options\.min_slice_size"),
        (cross, r"EvalConfig\.cross_slicing_specs"),
        (group, r"MetricsSpec\.query_key"),
        (fix, r"SlicingSpec\.feature_values"),
        (hold_pairs, r"MetricConfig\.cross_slice_thresholds"),
    ],
)
def test_a_setting_without_a_vector_form_is_named(change: Callable[[config_pb2.EvalConfig], None], named: str) -> None:
    config = eval_config(CASES["binary"]().problem)
    change(config)

    with pytest.raises(InputError, match=named + " is not evaluated in vectors. Expected only"):
        check_config(config)


def test_intervals_by_bootstrap_are_refused() -> None:
    config = eval_config(CASES["binary"]().problem)
    config.options.compute_confidence_intervals.value = True
    config.options.confidence_intervals.method = config_pb2.ConfidenceIntervalOptions.POISSON_BOOTSTRAP

    with pytest.raises(
        InputError,
        match=r"whole values of the split key: expected options\.confidence_intervals\.method JACKKNIFE\. "
        "Received: POISSON_BOOTSTRAP",
    ):
        check_config(config)


@pytest.mark.parametrize("task", list(CASES))
def test_the_config_of_every_task_is_supported(task: str) -> None:
    config = eval_config(CASES[task]().problem)

    check_config(config)

    assert config.metrics_specs
