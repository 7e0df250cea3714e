"""What a run's folder tells, whatever state it was left in, and how a person names a run."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reports.runs.stored_runs import State, find_run, read_runs
from schema.errors import InputError
from tests.reports.run_case import run

OLD = {
    "run_id": "1",
    "status": "pushed",
    "pushed": {"version": "5", "path": "/x/pushed/nyc_flights/5"},
    "window": "1:9",
}


def write(runs: Path, name: str, record: Any = None, config: Any = None) -> Path:
    """A run's folder, with files of these contents or texts."""
    (runs / name).mkdir(parents=True)
    for file, content in (("run.json", record), ("config.json", config)):
        if content is not None:
            text = content if isinstance(content, str) else json.dumps(content)
            (runs / name / file).write_text(text, encoding="utf-8")
    return runs / name


def test_runs_come_newest_first_and_nothing_else_is_one(tmp_path: Path) -> None:
    write(tmp_path, "20130101T120000-000000", OLD)
    write(tmp_path, "20130201T120000-000000", OLD)
    write(tmp_path, ".20130301T120000-000000.partial", OLD)
    (tmp_path / "latest").symlink_to("20130201T120000-000000")
    (tmp_path / "notes.txt").touch()

    found = read_runs(tmp_path, held=False)

    assert [(run.number, run.run_id[:8]) for run in found] == [(1, "20130201"), (2, "20130101")]
    assert found[0].moment == datetime(2013, 2, 1, 12, tzinfo=UTC)


def test_a_record_of_an_older_version_tells_what_it_has(tmp_path: Path) -> None:
    write(tmp_path, "20130101T120000-000000", OLD)

    (found,) = read_runs(tmp_path, held=False)

    assert (found.state, found.problem, found.version, found.window) == (State.RECORDED, "nyc_flights", "5", "1:9")
    assert (found.config, found.record.artifacts) == ({}, {})


def test_a_record_of_a_newer_version_is_read_too(tmp_path: Path) -> None:
    write(tmp_path, "1", {**OLD, "surprise": 1, "problem": "crops"})

    assert read_runs(tmp_path, held=False)[0].problem == "crops"


def test_a_metric_that_is_no_number_is_nan_again(tmp_path: Path) -> None:
    write(tmp_path, "1", {**OLD, "metrics": {"candidate": {"auc": None}, "baseline": {}}})

    assert math.isnan(read_runs(tmp_path, held=False)[0].record.metrics["candidate"]["auc"])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"run_id": "1", ', "not JSON: Expecting property name"),
        ("", "not JSON: Expecting value"),
        ("[]", "Input should be a dictionary"),
        ("{}", "key 'run_id': Field required"),
        ('{"run_id": "1", "status": "pushed", "nodes": 7}', "key 'nodes': Input should be a valid list"),
        ('{"run_id": "1", "status": "pushed", "metrics": 7}', "key 'metrics': Input should be a valid dictionary"),
    ],
)
def test_a_record_that_cannot_be_read_says_why(tmp_path: Path, text: str, fault: str) -> None:
    write(tmp_path, "1", text)

    (found,) = read_runs(tmp_path, held=False)

    assert found.state is State.UNREADABLE
    assert found.fault.startswith(fault)


def test_a_record_that_is_a_folder_or_no_text_is_no_traceback(tmp_path: Path) -> None:
    (write(tmp_path, "1") / "run.json").mkdir()
    (write(tmp_path, "2") / "run.json").write_bytes(b"\xff\xfe")

    assert [(run.state, run.fault[:9]) for run in read_runs(tmp_path, held=False)] == [
        (State.UNREADABLE, "not JSON:"),
        (State.UNREADABLE, "Is a dire"),
    ]


@pytest.mark.parametrize(("held", "state"), [(True, State.UNDER_WAY), (False, State.CUT_OFF)])
def test_a_run_without_a_record_is_under_way_if_the_folder_is_held(tmp_path: Path, held: bool, state: State) -> None:
    config = {"problem": {"name": "crops"}, "sample_rows": 20_000, "window": ":3"}
    for name in ("1", "2"):
        write(tmp_path, name, config=config)

    newest, older = read_runs(tmp_path, held=held)

    assert (newest.state, older.state) == (state, State.CUT_OFF)
    assert (newest.problem, newest.window, newest.moment) == ("crops_quick", ":3", None)


@pytest.mark.parametrize("config", ["{", "[]", '{"problem": 7}'])
def test_a_config_that_cannot_be_read_is_none(tmp_path: Path, config: str) -> None:
    write(tmp_path, "1", {"run_id": "1", "status": "finished"}, config)

    (found,) = read_runs(tmp_path, held=False)

    assert (found.state, found.problem) == (State.RECORDED, "")


def test_a_folder_without_runs_has_none(tmp_path: Path) -> None:
    assert read_runs(tmp_path / "runs", held=False) == []


RUNS = [run(1), run(2), run(3)]


@pytest.mark.parametrize(
    ("name", "number"), [("1", 1), ("3", 3), ("latest", 1), (RUNS[1].run_id, 2), ("201307", 3), ("2013080", 2)]
)
def test_a_run_is_named_by_number_id_or_its_beginning(name: str, number: int) -> None:
    assert find_run(RUNS, name).number == number


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("0", "no run '0': expected a number from 1, the newest, to 3"),
        ("4", "no run '4'"),
        ("-1", "no run '-1'"),
        ("2013", "'2013' begins the ids of 3 runs: 20130901T120530-000000, "),
        ("20130901T120530-000001", "Did you mean '20130901T120530-000000'"),
    ],
)
def test_a_name_that_fits_none_or_several_is_refused(name: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        find_run(RUNS, name)


def test_without_a_run_none_is_found() -> None:
    with pytest.raises(InputError, match="there is no run in this output folder"):
        find_run([], "latest")
