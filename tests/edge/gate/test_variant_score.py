"""Comparing and judging, with values worked out by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edge.gate.metric_change import OVERALL, Change
from edge.gate.variant_score import Cost, Facts, Figures, VariantScore, compare, gzip_size, judge, judged, unconverted
from edge.runtime.litert_model import Array
from schema.errors import InputError
from schema.problem import Device, DropUnit, Task

COST = Cost(100, 80, latency_p50_us=10.0, latency_p95_us=12.0, rows_per_second=1e6, peak_memory_bytes=5000)
FACTS = Facts(("GATHER",), "2.3.0", "tf_converter", "pruned", "small", {"ids": 90})
BOUNDS = Device(max_metric_drop=0.002, max_slice_drop=0.01, max_flip_rate=0.02)


def column(*values: float) -> Array:
    return np.array(values, np.float32)[:, None]


def change(name: str, lost: float, rows: int = 5000, *, sure: bool = True) -> Change:
    """A slice that lost, surely or not."""
    return Change(name, rows, 0.7 - lost, 0.7, -lost, -lost - 0.001, -lost + (0.001 if sure else 1.0))


def score(task: Task = Task.BINARY, whole: Change | None = None, **changes: Any) -> VariantScore:
    outputs = np.eye(2, dtype=np.float32) if task is Task.MULTICLASS else column(0.1, 0.9)
    figures = Figures(whole or Change(OVERALL, 2, 0.7, 0.7, 0.0, 0.0, 0.0))
    return replace(compare("int8", COST, FACTS, task, np.array([0, 1]), outputs, outputs, figures), **changes)


def test_compare_puts_together_costs_facts_and_figures() -> None:
    figures = Figures(change(OVERALL, 0.1), (change("month=1", 0.2),), auc=0.6, log_loss=0.5, calibration=1.1)
    labels = np.array([0, 0, 1, 1])
    server, variant = column(0.1, 0.4, 0.6, 0.8), column(0.1, 0.5, 0.35, 0.8)
    found = compare("int8", COST, FACTS, Task.BINARY, labels, server, variant, figures)

    assert (found.name, found.metric, found.bytes, found.gzip_bytes, found.rows) == ("int8", "auc", 100, 80, 4)
    assert (found.server, found.change) == (0.7, -0.1)
    assert (found.value, found.change_low, found.change_high) == pytest.approx((0.6, -0.101, -0.099))
    assert (found.auc, found.log_loss, found.calibration) == (0.6, 0.5, 1.1)
    assert (found.minimum_runtime, found.backend, found.technique) == ("2.3.0", "tf_converter", "pruned")
    assert (found.forms, found.operators, found.peak_memory_bytes) == ({"ids": 90}, ("GATHER",), 5000)
    # Rows two (.4 -> .5) and three (.6 -> .35) change sides of .5.
    assert found.flip_rate == 0.5
    assert found.largest_difference == pytest.approx(0.25)
    assert found.mean_difference == pytest.approx(0.35 / 4)
    assert not found.accepted


def test_outputs_that_are_not_finite_are_counted_and_refused() -> None:
    figures = Figures(Change(OVERALL, 2, None, 1.0))
    outputs = column(0.1, 0.9), column(0.1, np.nan)
    found = compare("x", COST, FACTS, Task.BINARY, np.array([0, 1]), *outputs, figures)

    assert (found.broken_rows, found.largest_difference) == (1, 0.0)
    assert judge(found, BOUNDS, 1000)[0] == "1 of 2 rows have an output that is not finite"


def test_one_class_and_no_rows_are_refused_with_a_reason() -> None:
    found = score(whole=Change(OVERALL, 2, None, None))
    assert judge(found, BOUNDS, 1000) == ("auc is undefined on these 2 rows: the labels are all of one class",)
    empty = np.zeros((0, 1), np.float32)
    nothing = Figures(Change(OVERALL, 0, None, None))
    none = compare("x", COST, FACTS, Task.REGRESSION, np.zeros(0), empty, empty, nothing)
    assert judge(none, BOUNDS, 1000) == ("no rows to score",)


def test_judge_accepts_at_the_bound_and_what_may_be_noise() -> None:
    assert judge(score(whole=change(OVERALL, 0.002), flip_rate=0.02), BOUNDS, 1000) == ()
    assert judge(score(whole=change(OVERALL, 0.004, sure=False)), BOUNDS, 1000) == ()


def test_judge_says_by_how_much() -> None:
    assert judge(score(whole=change(OVERALL, 0.004), flip_rate=0.05), BOUNDS, 1000) == (
        "auc 0.6960 is 0.0040 below the server model's 0.7000 (95 %: 0.0030 to 0.0050); at most 0.0020 allowed",
        "flip rate 0.0500 is 0.0300 above the 0.0200 allowed",
    )


def test_a_slice_is_judged_by_a_bound_of_its_own_where_it_has_rows() -> None:
    slices = (change("month=1", 0.009), change("month=2", 0.03, 999), change("month=3", 0.02, sure=False))
    assert judge(score(slices=slices), BOUNDS, 1000) == ()
    assert judge(score(slices=(*slices, change("month=4", 0.011))), BOUNDS, 1000) == (
        "auc 0.6890 on month=4 (5,000 rows) is 0.0110 below the server model's 0.7000 (95 %: 0.0100 to 0.0120); "
        "at most 0.0100 allowed",
    )


def regression(lost: float) -> VariantScore:
    """Labels 0 and 1000, whose deviation is 500, and a variant whose mean error is larger by so much."""
    outputs = column(0.0, 1000.0)
    whole = Change(OVERALL, 2, 377.1 + lost, 377.1, lost, lost / 2, 2 * lost)
    return compare("int8", COST, FACTS, Task.REGRESSION, np.array([0.0, 1000.0]), outputs, outputs, Figures(whole))


def test_a_regressions_loss_is_a_share_of_the_labels_deviation() -> None:
    assert judge(regression(0.38), BOUNDS, 1000) == ()
    (reason,) = judge(regression(1.2), BOUNDS, 1000)
    assert reason.endswith("; at most 1.0000 (0.002 of the label's standard deviation) allowed")


def test_a_regressions_loss_is_in_its_unit_where_that_is_asked_for() -> None:
    (reason,) = judge(regression(0.38), BOUNDS.model_copy(update={"drop_unit": DropUnit.METRIC}), 1000)
    assert reason.endswith("; at most 0.0020 allowed")


def test_of_many_slices_the_worst_three_are_told() -> None:
    reasons = judge(score(slices=tuple(change(f"month={n}", 0.01 + n / 100) for n in range(1, 8))), BOUNDS, 1000)

    assert [reason.partition(" (")[0] for reason in reasons[:3]] == [
        "auc 0.6200 on month=7",
        "auc 0.6300 on month=6",
        "auc 0.6400 on month=5",
    ]
    assert reasons[3:] == ("4 more slices lose more than 0.0100 of auc",)


def test_judged_carries_the_verdict_and_the_worst_slice() -> None:
    slices = (change("month=1", 0.001), change("month=2", 0.02), change("month=3", 0.2, 10))
    refused = judged(score(slices=slices), BOUNDS, 1000)

    assert judged(score(), BOUNDS, 1000).accepted
    assert (refused.accepted, len(refused.reasons), refused.worst_slice) == (False, 1, slices[1])


def test_shapes_must_agree_and_the_server_must_be_finite() -> None:
    figures = Figures(Change(OVERALL, 2, 1.0, 1.0, 0.0))
    with pytest.raises(InputError, match=r"Received: \[2\], \[2, 1\], \[1, 1\]"):
        compare("x", COST, FACTS, Task.BINARY, np.zeros(2), column(0, 1), column(0), figures)
    with pytest.raises(InputError, match="not all finite"):
        compare("x", COST, FACTS, Task.BINARY, np.zeros(1), column(np.nan), column(0), figures)


def test_gzip_size_sees_repetition() -> None:
    assert gzip_size(b"\0" * 10_000) < 100


def test_a_recipe_without_a_file_is_rejected_with_its_reason() -> None:
    found = unconverted("float16", Task.BINARY, "a weight is too large")

    assert (found.name, found.accepted, found.bytes, found.rows) == ("float16", False, 0, 0)
    assert found.reasons == ("not converted: a weight is too large",)
