"""Runs that are read again: the newest, a named one, and what a run does not have."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from reports import all_runs, latest_run
from reports.runs.run import MissingArtifactError, find_output, read_run
from schema.errors import InputError
from schema.problem import Task


def write(output: Path, run_id: str, status: str = "pushed", **record: Any) -> Path:
    """A run's folder with a record."""
    folder = output / "runs" / run_id
    folder.mkdir(parents=True)
    values = {"run_id": run_id, "status": status, "problem": "crops", "window": ":", "nodes": [], **record}
    (folder / "run.json").write_text(json.dumps(values), encoding="utf-8")
    return folder


def measured(value: float, evaluation: str) -> dict[str, Any]:
    """Parts of a record that evaluated a model."""
    metrics = {"candidate": {"accuracy": value}, "baseline": {}}
    return {"metrics": metrics, "artifacts": {"Evaluator.evaluation": evaluation}}


def test_the_newest_run_that_came_to_its_end_is_the_latest(tmp_path: Path) -> None:
    write(tmp_path, "20260101T000000-1")
    write(tmp_path, "20260102T000000-1", "not blessed")
    write(tmp_path, "20260103T000000-1", "failed")
    (tmp_path / "runs" / "20260104T000000-1").mkdir()

    assert latest_run(tmp_path).id == "20260102T000000-1"


def test_without_a_run_a_sentence_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no run.* make run"):
        latest_run(tmp_path)
    write(tmp_path, "20260101T000000-1", "failed")
    with pytest.raises(InputError, match="1 runs, of which none came to its end"):
        latest_run(tmp_path)


def test_the_output_is_found_from_a_folder_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "output", "20260101T000000-1")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")

    assert find_output() == tmp_path / "output"
    assert latest_run().id == "20260101T000000-1"


@pytest.mark.parametrize(("text", "told"), [("{", "not JSON"), ("[]", "expected a JSON object")])
def test_a_broken_record_is_named(tmp_path: Path, text: str, told: str) -> None:
    folder = write(tmp_path, "20260101T000000-1")
    (folder / "run.json").write_text(text, encoding="utf-8")

    with pytest.raises(InputError, match=rf"run\.json: {told}"):
        read_run(folder)


def test_what_a_run_did_not_reach_and_what_was_removed_are_told_apart(tmp_path: Path) -> None:
    run = read_run(write(tmp_path, "20260101T000000-1", "failed", artifacts={"Trainer.model": "artifacts/7"}))

    with pytest.raises(MissingArtifactError, match=r"\(failed\) has no Evaluator.evaluation: Evaluator did not finish"):
        run.artifact("Evaluator.evaluation")
    with pytest.raises(MissingArtifactError, match=r"artifacts/7 of Trainer\.model has been removed"):
        run.artifact("Trainer.model")


@pytest.mark.parametrize("why", ["not chosen (--from/--to/--only)", "not reached: Trainer failed"])
def test_what_a_node_that_was_kept_from_running_would_have_made_is_told_with_the_reason(
    tmp_path: Path, why: str
) -> None:
    nodes = [{"id": "Evaluator", "status": "skipped", "seconds": 0.0, "why": why}]
    run = read_run(write(tmp_path, "20260101T000000-1", nodes=nodes))

    with pytest.raises(MissingArtifactError, match=re.escape(f"has no Evaluator.evaluation: Evaluator was {why}")):
        run.artifact("Evaluator.evaluation")


def test_a_run_of_before_there_was_a_config_tells_its_task_by_its_metrics(tmp_path: Path) -> None:
    run = read_run(write(tmp_path, "20260101T000000-1", **measured(0.5, "e")))

    assert run.task is Task.MULTICLASS
    assert run.title == "crops"


def test_an_output_folder_that_was_moved_still_has_its_artifacts(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", "20260101T000000-1", artifacts={"Trainer.model": "artifacts/7"})
    (tmp_path / "a" / "artifacts" / "7").mkdir(parents=True)
    (tmp_path / "a").rename(tmp_path / "b")

    assert read_run(tmp_path / "b" / "runs" / folder.name).artifact("Trainer.model") == tmp_path / "b" / "artifacts/7"


def test_data_is_compared_with_that_of_the_last_run_which_had_other_data(tmp_path: Path) -> None:
    for day, (problem, number) in enumerate((("crops", 1), ("crops", 2), ("harvest", 3), ("crops", 4), ("crops", 4))):
        artifacts = {"StatisticsGen.split_statistics": f"s/{number}", "ExampleGen.examples": f"e/{number}"}
        write(tmp_path, f"2026010{day}T000000-1", problem=problem, artifacts=artifacts)
        for path in artifacts.values():
            (tmp_path / path).mkdir(parents=True, exist_ok=True)

    run = latest_run(tmp_path)
    assert run.earlier is not None
    assert run.earlier.id == "20260101T000000-1"


def test_history_has_an_evaluation_once_and_of_one_problem_alone(tmp_path: Path) -> None:
    write(tmp_path, "20260101T000000-1", "not blessed", **measured(0.5, "e/1"))
    write(tmp_path, "20260102T000000-1", **measured(0.75, "e/2"), pushed={"version": "9", "path": "p"})
    write(tmp_path, "20260103T000000-1", **measured(0.75, "e/2"), pushed={"version": "9", "path": "p"})
    write(tmp_path, "20260104T000000-1", **{**measured(0.1, "e/3"), "problem": "other"})
    found = all_runs(tmp_path).history("crops")

    assert [line[0].text for line in found.table().rows] == ["20260101T000000-1", "20260102T000000-1"]
    assert [line[4].value for line in found.table().rows] == [0.5, 0.75]
    assert found.context()["drawing"] is not None
