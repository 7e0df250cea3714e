"""The record of a run for machines: standard JSON, and whole."""

import json
from pathlib import Path
from typing import Any

import pytest

from reports.runs.run_record import RunRecord, write_record


def strict(path: Path) -> dict[str, Any]:
    """The record as a reader that holds to the standard takes it."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_what_was_recorded_is_read_back(tmp_path: Path) -> None:
    record = RunRecord(
        run_id="20130101T000000-1",
        status="pushed",
        problem="crops",
        started="2013-01-01T00:00:00+00:00",
        nodes=[{"id": "Trainer", "status": "ran", "seconds": 12.34, "peak_mb": 812.5}],
        metrics={"candidate": {"auc": 0.7}, "baseline": {}},
        blessed=True,
        reasons=["é"],
        variants=[{"name": "int8", "accepted": True, "reasons": ("a",)}],
        pushed={"version": "1", "path": "/x"},
        startup_seconds=1.5,
        seconds=3.5,
        window="1:9",
        rows={"train": 7},
        artifacts={"Trainer.model": "artifacts/Trainer/model/7"},
        training={"rows": 7},
        warnings=["Trainer: so"],
    )

    path = write_record(record, tmp_path)

    assert path == tmp_path / "run.json"
    assert strict(path) == {
        "run_id": "20130101T000000-1",
        "status": "pushed",
        "problem": "crops",
        "started": "2013-01-01T00:00:00+00:00",
        "nodes": [{"id": "Trainer", "status": "ran", "seconds": 12.34, "peak_mb": 812.5}],
        "metrics": {"candidate": {"auc": 0.7}, "baseline": {}},
        "blessed": True,
        "reasons": ["é"],
        "variants": [{"name": "int8", "accepted": True, "reasons": ["a"]}],
        "pushed": {"version": "1", "path": "/x"},
        "startup_seconds": 1.5,
        "seconds": 3.5,
        "window": "1:9",
        "rows": {"train": 7},
        "ledger": [],
        "error": None,
        "artifacts": {"Trainer.model": "artifacts/Trainer/model/7"},
        "training": {"rows": 7},
        "warnings": ["Trainer: so"],
    }


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_null_however_deep(tmp_path: Path, value: float) -> None:
    record = RunRecord(
        run_id="1",
        status="finished",
        metrics={"candidate": {"auc": value, "log_loss": 0.5}, "baseline": {}},
        variants=[{"name": "int8", "values": [value, 1.0], "pair": (value,)}],
        seconds=value,
    )

    read = strict(write_record(record, tmp_path))

    assert read["metrics"]["candidate"] == {"auc": None, "log_loss": 0.5}
    assert read["variants"] == [{"name": "int8", "values": [None, 1.0], "pair": [None]}]
    assert read["seconds"] is None


def test_a_later_record_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    write_record(RunRecord(run_id="1", status="failed"), tmp_path)
    write_record(RunRecord(run_id="1", status="pushed"), tmp_path)

    assert strict(tmp_path / "run.json")["status"] == "pushed"
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_record_that_cannot_be_written_leaves_the_earlier_one_whole(tmp_path: Path) -> None:
    write_record(RunRecord(run_id="1", status="failed"), tmp_path)

    with pytest.raises(TypeError, match="not JSON serializable"):
        write_record(RunRecord(run_id="1", status="pushed", nodes=[{"id": object()}]), tmp_path)

    assert strict(tmp_path / "run.json")["status"] == "failed"
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_what_a_killed_write_left_does_not_disturb(tmp_path: Path) -> None:
    (tmp_path / ".run.json.0.partial").write_text('{"run_id": "1', encoding="utf-8")

    path = write_record(RunRecord(run_id="1", status="pushed"), tmp_path)

    assert path == tmp_path / "run.json"
    assert strict(path)["status"] == "pushed"


def test_a_failed_run_is_a_whole_record_too(tmp_path: Path) -> None:
    read = strict(write_record(RunRecord(run_id="1", status="failed", error="late: LABEL_CONSTANT"), tmp_path))

    assert (read["error"], read["blessed"], read["pushed"]) == ("late: LABEL_CONSTANT", False, None)
    assert read["metrics"] == {"candidate": {}, "baseline": {}}
