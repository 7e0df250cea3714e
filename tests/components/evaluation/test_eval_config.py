"""A problem's bounds in TFMA's terms, and TFMA's own verdict by them."""

import json
from collections.abc import Callable
from pathlib import Path

from tensorflow_model_analysis.metrics import metric_specs
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import config_util
from tfx.utils import proto_utils

from components.evaluation.eval_config import eval_config
from components.release.release_gate import evaluation_reasons, read_validation
from reports.artifacts.evaluation import overall_metrics, slice_rows
from schema.problem import Problem

MakeProblem = Callable[..., Problem]
Held = set[tuple[str, bool, tuple[str, ...], float]]


def held(config: config_pb2.EvalConfig) -> Held:
    """(metric, whether the change of it, features of the slice, bound) of everything that TFMA holds a candidate to."""
    found: Held = set()
    for key, pairs in metric_specs.metric_thresholds_from_metrics_specs(config.metrics_specs, config).items():
        for spec, threshold in pairs:
            if key.model_name != "baseline":
                assert spec is not None, f"{key.name} holds every slice"
                bounds = [wrapped.value for _, wrapped in threshold.ListFields() if hasattr(wrapped, "value")]
                found.add((key.name, key.is_diff, tuple(spec.feature_keys), *bounds))
    return found


def test_bounds_and_changes_hold_the_whole_and_slice_bounds_the_slices(make_problem: MakeProblem) -> None:
    problem = make_problem(
        slices=[["carrier"], ["carrier", "month"]],
        bounds={"auc": 0.7},
        changes={"auc": 0.01, "binary_accuracy": 0.02},
        slice_bounds={"binary_accuracy": 0.6},
    )

    assert held(eval_config(problem)) == {
        ("auc", False, (), 0.7),
        ("auc", True, (), -0.01),
        ("binary_accuracy", True, (), -0.02),
        ("binary_accuracy", False, ("carrier",), 0.6),
        ("binary_accuracy", False, ("carrier", "month"), 0.6),
    }


def test_without_a_baseline_only_the_changes_go(make_problem: MakeProblem) -> None:
    config = eval_config(make_problem(bounds={"auc": 0.7}, changes={"auc": 0.01, "binary_accuracy": 0.02}))

    first = config_util.update_eval_config_with_defaults(config, has_baseline=False, rubber_stamp=True)

    assert held(first) == {("auc", False, (), 0.7)}
    assert not config_util.has_change_threshold(first)
    assert held(config_util.update_eval_config_with_defaults(config, has_baseline=True)) == held(config)


def test_where_less_is_better_a_bound_is_a_ceiling(make_problem: MakeProblem) -> None:
    problem = make_problem(metrics=["log_loss"], bounds={"log_loss": 0.5}, changes={"log_loss": 0.02})

    thresholds = metric_specs.metric_thresholds_from_metrics_specs(eval_config(problem).metrics_specs)
    by_kind = {
        key.is_diff: pairs[0][1]
        for key, pairs in thresholds.items()
        if key.model_name != "baseline" and key.name == "log_loss"
    }

    assert by_kind[False].upper_bound.value == 0.5
    assert not by_kind[False].HasField("lower_bound")
    assert by_kind[True].absolute.value == 0.02
    assert by_kind[True].direction == config_pb2.MetricDirection.LOWER_IS_BETTER


def test_a_bound_of_zero_is_a_bound_on_the_way_to_evaluator_too(make_problem: MakeProblem) -> None:
    config = eval_config(make_problem(bounds={"auc": 0.0}, changes={"auc": 0.0}, slice_bounds={"auc": 0.0}))
    carried = proto_utils.json_to_proto(proto_utils.proto_to_json(config), config_pb2.EvalConfig())

    assert held(carried) == {("auc", False, (), 0.0), ("auc", True, (), 0.0), ("auc", False, ("carrier",), 0.0)}


def test_nothing_asked_for_is_nothing_held(make_problem: MakeProblem) -> None:
    assert held(eval_config(make_problem())) == set()


def test_all_metrics_of_the_task_are_measured_where_none_is_named(make_problem: MakeProblem) -> None:
    metrics = eval_config(make_problem(metrics=[], threshold=0.3)).metrics_specs[0].metrics
    options = {config["name"]: config for config in (json.loads(m.config) for m in metrics if m.config)}

    assert list(options) == ["example_count", "auc", "pr_auc", "binary_accuracy", "log_loss", "calibration"]
    assert options["binary_accuracy"]["threshold"] == 0.3


def test_intervals_are_asked_for_in_tfmas_terms_unless_they_are_turned_off(make_problem: MakeProblem) -> None:
    asked, off = eval_config(make_problem()), eval_config(make_problem(intervals=False))

    assert asked.options.compute_confidence_intervals.value
    assert asked.options.confidence_intervals.method == config_pb2.ConfidenceIntervalOptions.JACKKNIFE
    assert not off.HasField("options")


def test_the_whole_and_every_slice_are_evaluated(make_problem: MakeProblem) -> None:
    config = eval_config(make_problem(slices=[["carrier"], ["carrier", "month"]]))

    assert [list(spec.feature_keys) for spec in config.slicing_specs] == [[], ["carrier"], ["carrier", "month"]]
    assert [(spec.name, spec.is_baseline) for spec in config.model_specs] == [("candidate", False), ("baseline", True)]
    config_util.verify_eval_config(config, baseline_required=True)


def test_a_slice_that_misses_a_bound_for_the_whole_does_not_fail(
    evaluate: Callable[..., Path], make_problem: MakeProblem
) -> None:
    # Overall 0.75 of the decisions are right, on HA none.
    evaluation = evaluate(eval_config(make_problem(bounds={"binary_accuracy": 0.75})), baseline=False)

    verdict = read_validation(evaluation)

    assert verdict.validation_ok
    assert not verdict.metric_validations_per_slice


def test_overall_bounds_fail_overall_and_slice_bounds_on_the_slice(first_evaluation: Path) -> None:
    assert evaluation_reasons(read_validation(first_evaluation), slice_rows(first_evaluation), 1) == [
        "overall: auc 0.9375 is 0.0125 below its floor 0.95",
        "carrier=HA: binary_accuracy 0.0000 is 0.7000 below its floor 0.7",
    ]


def test_with_a_baseline_the_change_of_the_whole_is_judged(second_evaluation: Path) -> None:
    reasons = evaluation_reasons(read_validation(second_evaluation), slice_rows(second_evaluation), 1)

    # On HA both metrics are worse by 1.0, and only the whole is held to a change.
    assert [reason for reason in reasons if "changed" in reason] == [
        "overall: binary_accuracy changed by -0.2500 against the baseline; at worst -0.1000 allowed"
    ]
    assert overall_metrics(second_evaluation)["baseline"]["binary_accuracy"] == 1.0


def test_without_any_bound_there_is_a_verdict_to_read(evaluate: Callable[..., Path], make_problem: MakeProblem) -> None:
    evaluation = evaluate(eval_config(make_problem(changes={"auc": 0.01})), baseline=False)

    assert evaluation_reasons(read_validation(evaluation), slice_rows(evaluation), 1) == []
    assert slice_rows(evaluation) == {"overall": 8, "carrier=UA": 6, "carrier=HA": 2}
