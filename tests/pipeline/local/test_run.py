"""What a person is told of a run that did not end well, and the exit code that machines read."""

import errno
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.local.node_result import NodeResult, Status
from pipeline.local.node_selection import Choice
from pipeline.local.run import (
    closing_lines,
    disk_fault,
    exit_code,
    failure_lines,
    node_entries,
    one_line,
    relative,
    staleness,
    why_unpushed,
)
from pipeline.local.shutdown import Terminated
from pipeline.metadata.cache_miss_reason import NOT_CHOSEN
from reports.runs.run_record import RunRecord
from schema.errors import AnomalyError, InputError, NotBlessedError
from schema.release_files import sealed
from tests.damage import flip_bit

FULL = OSError(errno.ENOSPC, "No space left on device", "/x/run.json")


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (InputError("a"), 2),
        (AnomalyError("b"), 3),
        (NotBlessedError("c"), 4),
        (FULL, 2),
        (RuntimeError("database or disk is full"), 2),
        (RuntimeError("a bug"), 1),
        (KeyboardInterrupt(), 130),
        (Terminated(), 143),
    ],
)
def test_the_exit_code_says_who_can_mend_it(cause: BaseException, code: int) -> None:
    assert exit_code(cause) == code


def test_a_full_disk_is_found_behind_another_error() -> None:
    wrapped = RuntimeError("the writer closed")
    wrapped.__cause__ = FULL
    assert disk_fault(wrapped) == "No space left on device"
    assert disk_fault(RuntimeError("the writer closed")) is None


def test_an_error_is_one_line() -> None:
    assert one_line(ValueError("first\nsecond")) == "ValueError: first"
    assert one_line(ValueError("\n\n")) == "ValueError: no message"
    assert one_line(NameError("in user code:\n\n    File x\n\n    name 'y' is not defined")) == (
        "NameError: name 'y' is not defined"
    )
    assert one_line(InputError("rows.csv:3: two\nlines")) == "rows.csv:3: two\nlines"


def test_a_failure_names_node_cause_place_log_and_the_command_that_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["run_local.py", "--no-cache", "--set", "network.epochs=2 "])
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    monkeypatch.chdir(tmp_path)
    try:
        # Raised within the project's own code, as a bug in it would be.
        Choice(first="Trainer").check(None)  # type: ignore[arg-type]
    except TypeError as error:
        lines = failure_lines("Trainer", error, tmp_path / "runs" / "1")
    assert lines[1].startswith("Trainer failed: TypeError: ")
    assert "  log     runs/1/run.log" in lines
    assert lines[-1] == "  resume  .venv/bin/python run_local.py --set 'network.epochs=2 '"


def test_a_bug_is_placed_in_the_project_and_bad_input_is_not(tmp_path: Path) -> None:
    from edge.gate.bootstrap import draws, within

    with pytest.raises(IndexError, match="out of bounds") as bug:
        within(draws(None, 2), np.array([5]))
    placed = failure_lines("DeviceModels", bug.value, tmp_path)
    assert any(line.startswith("  at      edge/gate/bootstrap.py:") for line in placed)
    assert not any(line.startswith("  at ") for line in failure_lines("ExampleGen", InputError("x"), tmp_path))


def test_a_cached_push_says_if_another_version_is_in_use(tmp_path: Path) -> None:
    for version in (1, 2):
        (tmp_path / str(version)).mkdir()
        (tmp_path / str(version) / "saved_model.pb").write_bytes(b"graph")
        (tmp_path / str(version) / "manifest.json").write_text(sealed({}, tmp_path / str(version)), encoding="utf-8")
    (tmp_path / "current").symlink_to("2")
    assert staleness(2, tmp_path) == ""
    assert "current is 2" in staleness(1, tmp_path)
    assert "removed" in staleness(7, tmp_path)


def test_a_cached_push_says_if_its_version_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"graph")
    (tmp_path / "1" / "manifest.json").write_text(sealed({}, tmp_path / "1"), encoding="utf-8")
    flip_bit(tmp_path / "1" / "saved_model.pb")
    assert "damaged: saved_model.pb: changed; push again with --only Pusher --no-cache" in staleness(1, tmp_path)


def test_a_run_says_its_seconds_and_those_of_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    record = RunRecord(run_id="1", status="finished", startup_seconds=9.6, seconds=12.4)
    assert closing_lines(record, tmp_path / "runs" / "1", tmp_path / "pushed", "  report  runs/1/report.html") == [
        "  run     runs/1/run.json, 12 s in all, of which 10 s start-up",
        "  report  runs/1/report.html",
    ]


def test_nodes_are_recorded_in_the_graphs_order_whichever_ended_first() -> None:
    results = [NodeResult("c", Status.RAN, 1.234, 812.345, "changed source"), NodeResult("a", Status.FAILED, 2.0)]
    assert node_entries(results, {"a": [], "b": ["a"], "c": ["a", "b"]}) == [
        {"id": "a", "status": "failed", "seconds": 2.0, "peak_mb": None, "why": "", "upstream": []},
        {
            "id": "b",
            "status": "skipped",
            "seconds": 0.0,
            "peak_mb": None,
            "why": "not reached: a failed",
            "upstream": ["a"],
        },
        {
            "id": "c",
            "status": "ran",
            "seconds": 1.23,
            "peak_mb": 812.3,
            "why": "changed source",
            "upstream": ["a", "b"],
        },
    ]


def test_what_an_interruption_kept_from_running_says_so() -> None:
    entries = node_entries([NodeResult("a", Status.FAILED, 2.0)], {"a": [], "b": ["a"]}, KeyboardInterrupt())
    assert entries[1]["why"] == "not reached: interrupted in a"


def test_an_interruption_names_what_ran(tmp_path: Path) -> None:
    lines = failure_lines("DeviceModels and Evaluator", KeyboardInterrupt(), tmp_path)
    assert lines[1] == "interrupted in DeviceModels and Evaluator"


def test_artifacts_are_recorded_where_a_moved_output_folder_still_has_them() -> None:
    outputs = {("Trainer", "model"): "/out/artifacts/Trainer/model/7", ("Baseline", ""): "/elsewhere/model/3"}
    assert relative(outputs, Path("/out")) == {
        "Baseline": "/elsewhere/model/3",
        "Trainer.model": "artifacts/Trainer/model/7",
    }


@pytest.mark.parametrize(
    ("record", "pusher", "well"),
    [
        (RunRecord("1", "pushed", blessed=True, pushed={"version": "1"}), NodeResult("Pusher", Status.RAN, 1.0), True),
        (RunRecord("1", "blessed", blessed=True), NodeResult("Pusher", Status.RAN, 1.0), False),
        (RunRecord("1", "blessed", blessed=True), NodeResult("Pusher", Status.CACHED, 1.0), False),
        (RunRecord("1", "blessed", blessed=True), NodeResult("Pusher", Status.SKIPPED, 1.0, why="no input"), False),
        (RunRecord("1", "blessed", blessed=True), NodeResult("Pusher", Status.SKIPPED, 1.0, why=NOT_CHOSEN), True),
        (RunRecord("1", "blessed", blessed=True), NodeResult("ReleaseGate", Status.RAN, 1.0), True),
        (RunRecord("1", "not blessed"), NodeResult("Pusher", Status.SKIPPED, 1.0, why="not blessed"), True),
    ],
)
def test_a_blessed_model_that_should_be_pushed_and_is_not_fails_the_run(
    record: RunRecord, pusher: NodeResult, well: bool
) -> None:
    assert (why_unpushed(record, [pusher]) is None) == well
