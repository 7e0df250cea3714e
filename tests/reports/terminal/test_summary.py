"""What a person reads after a run: each outcome, on one screen, without a number that is none."""

from dataclasses import replace
from typing import Any

import pytest

from reports.runs.run_record import RunRecord
from reports.terminal.summary import node_line
from reports.terminal.summary import result_lines as lines_of

NAN = float("nan")
# Those of the header and of the closing lines, which the run writes around the result; one more if it pushed.
AROUND = 6


def variant(name: str, *reasons: str, value: float | None = 0.7123) -> dict[str, Any]:
    """A device variant's score, accepted where there is no reason against it."""
    return {
        "name": name,
        "bytes": 1_234_567,
        "gzip_bytes": 345_678,
        "metric": "auc",
        "value": value,
        "change": None if value is None else -0.0012,
        "change_low": -0.0016,
        "change_high": 0.0003,
        "latency_p50_us": 41.6,
        "accepted": not reasons,
        "reasons": list(reasons),
    }


def result_lines(run: RunRecord) -> list[str]:
    """The lines, with a command that is easily found in them."""
    return lines_of(run, "the command")


def record(**values: Any) -> RunRecord:
    """A finished run with what is given."""
    return RunRecord(**{"run_id": "1", "status": "finished", **values})


def metrics(candidate: dict[str, float], baseline: dict[str, float] | None = None) -> dict[str, dict[str, float]]:
    """Metrics as a record holds them."""
    return {"candidate": candidate, "baseline": baseline or {}}


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ("ran", "  ✓ Trainer           ran         12.3 s"),
        ("cached", "  = Trainer           cached      12.3 s"),
        ("skipped", "  · Trainer           skipped     12.3 s"),
        ("failed", "  ✗ Trainer           failed      12.3 s"),
    ],
)
def test_a_node_has_one_line_with_its_mark(status: str, line: str) -> None:
    assert node_line("Trainer", status, 12.34) == line


def test_a_pushed_run_shows_metrics_variants_and_version() -> None:
    run = record(
        status="pushed",
        metrics=metrics({"auc": 0.7123, "example_count": 65_000}, {"auc": 0.7, "example_count": 65_000}),
        variants=[variant("float32"), variant("int8", "flip rate 0.0300 is 0.0100 above the 0.0200 allowed", "slow")],
        blessed=True,
        pushed={"version": "1700000000", "path": "/x"},
    )

    assert result_lines(run) == [
        "",
        "  test split              candidate   baseline     change",
        "  example_count              65,000",
        "  auc                        0.7123     0.7000    +0.0123",
        "",
        "  device variant       bytes      gzip      auc   change     95 %     p50  verdict",
        "  float32          1,234,567   345,678   0.7123  -0.0012  ±0.0015   42 µs  accepted",
        "  int8             1,234,567   345,678   0.7123  -0.0012  ±0.0015   42 µs  rejected",
        "  int8 rejected: flip rate 0.0300 is 0.0100 above the 0.0200 allowed (and 1 more)",
        "",
        "  blessed and pushed: version 1700000000",
    ]


def test_a_first_run_says_that_there_is_no_baseline() -> None:
    assert result_lines(record(metrics=metrics({"auc": 0.7}))) == [
        "",
        "  test split              candidate   (no baseline)",
        "  auc                        0.7000",
    ]


def test_a_run_that_is_not_blessed_says_why() -> None:
    run = record(status="not blessed", reasons=["overall: auc 0.6512 is 0.0288 below its floor 0.68", "serving: no"])

    assert result_lines(run) == [
        "",
        "  not blessed, not pushed:",
        "    overall: auc 0.6512 is 0.0288 below its floor 0.68",
        "    serving: no",
    ]


def test_many_reasons_are_told_in_part() -> None:
    lines = result_lines(record(status="not blessed", reasons=[f"reason {number}" for number in range(20)]))

    assert lines[-2:] == ["    reason 5", "    and 14 more: see run.json"]


def test_a_blessed_run_that_stopped_before_the_push_says_so() -> None:
    assert result_lines(record(status="blessed", blessed=True)) == ["", "  blessed, not pushed"]


def test_a_failed_run_says_what_failed() -> None:
    error = "2 data anomalies:\n  hour: INT_TYPE_BIG_INT in span-01, 2 rows.\n  late: LABEL_CONSTANT in all spans."

    assert result_lines(record(status="failed", error=error)) == [
        "",
        "  failed: 2 data anomalies:",
        "    hour: INT_TYPE_BIG_INT in span-01, 2 rows.",
        "    late: LABEL_CONSTANT in all spans.",
    ]
    assert result_lines(record(status="failed", error="")) == ["", "  failed: no message"]


def test_a_run_that_ended_before_the_evaluation_has_nothing_to_tell() -> None:
    assert result_lines(record()) == []


def test_a_metric_without_a_value_says_why_and_of_how_many_rows() -> None:
    lines = result_lines(record(metrics=metrics({"auc": NAN, "log_loss": 0.5, "example_count": 12.0}, {})))

    assert lines[3:5] == [
        "  auc                     undefined   (12 rows, all of one class)",
        "  log_loss                   0.5000",
    ]


def test_what_is_no_number_is_called_undefined_and_stays_in_its_column() -> None:
    run = record(
        metrics=metrics({"auc": NAN, "log_loss": 0.5, "example_count": NAN}, {"auc": 0.7, "log_loss": NAN}),
        variants=[variant("int8", "auc is undefined", value=None), variant("float32", value=NAN)],
    )

    lines = result_lines(run)

    assert lines[1:5] == [
        "  test split              candidate   baseline     change",
        "  example_count           undefined",
        "  auc                     undefined     0.7000  undefined",
        "  log_loss                   0.5000  undefined  undefined",
    ]
    assert "undefined" in lines[7]
    assert "undefined" in lines[8]
    assert lines[7].index(" µs") == lines[8].index(" µs")
    assert "nan" not in "\n".join(lines)


def test_long_names_do_not_move_the_columns() -> None:
    entries = [variant("int8"), variant("pruned_half_dynamic_int8")]
    lines = result_lines(record(variants=[{**entry, "metric": "mean_absolute_error"} for entry in entries]))[1:]

    assert {line.index(text) for line, text in zip(lines, ("verdict", "accepted", "accepted"), strict=True)} == {
        lines[0].index("verdict")
    }
    assert " mean_absolute_error " in lines[0]


def test_a_loss_is_told_with_its_cause_in_lines_of_a_terminal() -> None:
    entry = {**variant("int8", "auc 0.6947 is 0.0254 below the server model's 0.7201"), "cause": "a and b share " * 9}
    lines = result_lines(record(variants=[entry]))

    assert lines[3].startswith("  int8 rejected: auc 0.6947 is 0.0254 below the server model's 0.7201; a and b share")
    assert lines[4].startswith("    ")
    assert all(len(line) <= 100 for line in lines)


def test_a_run_of_before_changes_were_recorded_has_none() -> None:
    entry = {key: value for key, value in variant("int8").items() if not key.startswith("change")}
    assert "0.7123                     42 µs  accepted" in result_lines(record(variants=[entry]))[2]


def test_a_variant_that_was_not_judged_is_rejected_without_a_reason() -> None:
    assert result_lines(record(variants=[{**variant("int8"), "accepted": False}]))[-1].endswith(
        "rejected: no reason given"
    )


FULL = record(
    status="not blessed",
    nodes=[{"id": f"Node{number}", "status": "ran", "seconds": 1.0} for number in range(13)],
    metrics=metrics(
        dict.fromkeys(("example_count", "auc", "pr_auc", "binary_accuracy", "log_loss", "calibration"), 0.5)
    ),
    variants=[variant(f"variant_{number}", *["no"] * (number % 2)) for number in range(12)],
    reasons=[f"reason {number}" for number in range(20)],
)


@pytest.mark.parametrize(
    ("run", "shown"),
    [
        (FULL, 1),
        (replace(FULL, reasons=FULL.reasons[:1]), 7),
        (replace(FULL, status="pushed", reasons=[], blessed=True, pushed={"version": "1", "path": ""}), 7),
        (replace(FULL, reasons=[], metrics=metrics({})), 12),
        (replace(FULL, reasons=FULL.reasons[:1], warnings=["Trainer: " + "words " * 99]), 2),
        # With every node there may be, of the reasons too as many as there is room for.
        (replace(FULL, nodes=FULL.nodes + FULL.nodes[:4]), 1),
    ],
)
def test_a_run_fits_on_one_screen_of_forty_lines(run: RunRecord, shown: int) -> None:
    lines = result_lines(run)

    assert AROUND + bool(run.pushed) + len(run.nodes) + len(lines) <= 40
    listed = [line.split()[0] for line in lines if line.startswith("  variant_") and " rejected: " not in line]
    assert listed == [f"variant_{number}" for number in range(shown)]


TRAINED = {
    "rows": 250,
    "replicas": 1,
    "batch_size": 16,
    "steps_per_epoch": 15,
    "epochs": 35,
    "patience": 8,
    "numeric_knots": 2,
    "derived": ["batch_size", "epochs"],
    "epochs_run": 20,
    "comparison": {"metric": "root_mean_squared_error", "candidate": 1.5e-9, "linear": 2e-9, "constant": 12345.67},
    "warm_start": None,
}


def test_a_training_is_told_with_what_followed_the_rows() -> None:
    run = record(training=TRAINED)
    warm = record(training={**TRAINED, "derived": [], "replicas": 2, "warm_start": {"taken": 3, "tensors": 12}})

    assert result_lines(run) == [
        "",
        "  trained  300 steps of 16 rows, 20 of 35 epochs; eval rmse 1.5e-09 (linear 2e-09, constant 1.235e+04)",
        "  set by the number of rows (250): batch_size 16, epochs 35",
    ]
    assert result_lines(warm)[1].startswith("  trained  300 steps of 16 rows x 2, 20 of 35 epochs; ")
    assert result_lines(warm)[2:] == ["  warm start: 3 of 12 tensors taken over"]


def test_warnings_are_told_before_the_verdict_in_four_lines_at_most() -> None:
    run = record(status="blessed", blessed=True, warnings=["Trainer: one", "DeviceModels: " + "two " * 40])
    many = replace(run, warnings=[f"Trainer: {number}" for number in range(9)])

    assert result_lines(run)[1] == "  ! Trainer: one"
    assert result_lines(run)[-1] == "  blessed, not pushed"
    assert all(len(line) <= 100 for line in result_lines(run))
    assert result_lines(many)[1:5] == [
        *(f"  ! Trainer: {number}" for number in range(3)),
        "    and more, of 9 warnings: see run.json",
    ]


def test_variants_that_find_no_room_are_counted() -> None:
    # Of 1 to 11, the even ones are accepted.
    assert "  and 11 more, 5 of them accepted: see the command" in result_lines(FULL)
