"""Comparing and judging, with values worked out by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edge.runner import Array
from edge.score import Cost, VariantScore, compare, gzip_size, judge, judged, unconverted
from schema.errors import InputError
from schema.problem import Device, Task

COST = Cost(bytes=100, gzip_bytes=80, latency_p50_us=10.0, latency_p95_us=12.0, rows_per_second=1e6)
BOUNDS = Device(max_metric_drop=0.002, max_flip_rate=0.02)


def column(*values: float) -> Array:
    return np.array(values, np.float32)[:, None]


def score(task: Task = Task.BINARY, **changes: Any) -> VariantScore:
    labels = np.array([0, 1])
    outputs = np.eye(2, dtype=np.float32) if task is Task.MULTICLASS else column(0.1, 0.9)
    return replace(compare("int8", COST, task, labels, outputs, outputs), **changes)


def test_compare_binary_by_hand() -> None:
    labels = np.array([0, 0, 1, 1])
    found = compare("int8", COST, Task.BINARY, labels, column(0.1, 0.4, 0.6, 0.8), column(0.1, 0.5, 0.35, 0.8))
    assert (found.name, found.metric, found.bytes, found.gzip_bytes) == ("int8", "auc", 100, 80)
    # Of the four pairs only (.35, .5) is in the wrong order.
    assert found.value == found.auc == 0.75
    # Rows two (.4 -> .5) and three (.6 -> .35) change sides of .5.
    assert found.flip_rate == 0.5
    assert found.largest_difference == pytest.approx(0.25)
    assert found.mean_difference == pytest.approx(0.35 / 4)
    assert not found.accepted


def test_compare_uses_the_threshold() -> None:
    found = compare("x", COST, Task.BINARY, np.array([0, 1]), column(0.1, 0.21), column(0.1, 0.19), threshold=0.2)
    assert found.flip_rate == 0.5


def test_compare_multiclass() -> None:
    server = np.array([[0.6, 0.4, 0.0], [0.1, 0.2, 0.7]], np.float32)
    variant = np.array([[0.4, 0.6, 0.0], [0.1, 0.2, 0.7]], np.float32)
    found = compare("x", COST, Task.MULTICLASS, np.array([0, 2]), server, variant)
    assert (found.metric, found.value, found.auc, found.flip_rate) == ("accuracy", 0.5, None, 0.5)
    assert found.log_loss == pytest.approx(-(np.log(0.4) + np.log(0.7)) / 2, rel=1e-6)


def test_compare_regression() -> None:
    # Labels 0 and 200 deviate by 100, so that predictions further apart than 1 are different decisions.
    found = compare("x", COST, Task.REGRESSION, np.array([0.0, 200.0]), column(1, 198), column(1.5, 196))
    assert (found.metric, found.value, found.log_loss, found.auc) == ("mean_absolute_error", 2.75, None, None)
    assert found.flip_rate == 0.5


def test_outputs_that_are_not_finite_are_counted_and_refused() -> None:
    found = compare("x", COST, Task.BINARY, np.array([0, 1]), column(0.1, 0.9), column(0.1, np.nan))
    assert (found.value, found.log_loss, found.broken_rows, found.flip_rate) == (None, None, 1, 0.5)
    assert found.largest_difference == 0.0
    accepted, reasons = judge(found, 1.0, BOUNDS)
    assert not accepted
    assert reasons[0] == "1 of 2 rows have an output that is not finite"


def test_one_class_is_refused_with_a_reason() -> None:
    found = compare("x", COST, Task.BINARY, np.array([0, 0]), column(0.1, 0.9), column(0.1, 0.9))
    assert judge(found, None, BOUNDS) == (False, ("auc is undefined on these 2 rows: the labels are all of one class",))


def test_no_rows_are_refused_with_a_reason() -> None:
    empty = np.zeros((0, 1), np.float32)
    found = compare("x", COST, Task.REGRESSION, np.zeros(0), empty, empty)
    assert judge(found, None, BOUNDS) == (False, ("no rows to score",))


def test_judge_accepts_at_the_bound() -> None:
    assert judge(score(value=0.698, flip_rate=0.02), 0.7, BOUNDS) == (True, ())
    assert judge(score(value=0.9), 0.7, BOUNDS) == (True, ())


def test_judge_says_by_how_much() -> None:
    assert judge(score(value=0.7012, flip_rate=0.05), 0.7053, BOUNDS) == (
        False,
        (
            "auc 0.7012 is 0.0041 below the server model's 0.7053; at most 0.0020 allowed",
            "flip rate 0.0500 is 0.0300 above the 0.0200 allowed",
        ),
    )


def test_judge_knows_that_less_error_is_better() -> None:
    better = score(Task.REGRESSION, value=3.0, flip_rate=0.0)
    worse = score(Task.REGRESSION, value=3.21, flip_rate=0.0)
    assert judge(better, 3.2, BOUNDS) == (True, ())
    assert judge(worse, 3.2, BOUNDS) == (
        False,
        ("mean_absolute_error 3.2100 is 0.0100 above the server model's 3.2000; at most 0.0020 allowed",),
    )


def test_judged_carries_the_verdict() -> None:
    assert judged(score(), 1.0, BOUNDS).accepted
    refused = judged(score(), None, BOUNDS)
    assert not refused.accepted
    assert len(refused.reasons) == 1


def test_shapes_must_agree_and_the_server_must_be_finite() -> None:
    with pytest.raises(InputError, match=r"Received: \[2\], \[2, 1\], \[1, 1\]"):
        compare("x", COST, Task.BINARY, np.zeros(2), column(0, 1), column(0))
    with pytest.raises(InputError, match="not all finite"):
        compare("x", COST, Task.BINARY, np.zeros(1), column(np.nan), column(0))


def test_gzip_size_sees_repetition() -> None:
    assert gzip_size(b"\0" * 10_000) < 100


def test_a_recipe_without_a_file_is_rejected_with_its_reason() -> None:
    score = unconverted("float16", Task.BINARY, "a weight is too large")

    assert (score.name, score.accepted, score.bytes, score.rows) == ("float16", False, 0, 0)
    assert score.reasons == ("not converted: a weight is too large",)
