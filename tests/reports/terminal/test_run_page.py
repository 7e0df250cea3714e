"""One run on one screen."""

import sys
from pathlib import Path

import pytest

from reports.runs.stored_runs import State, StoredRun, read_runs
from reports.terminal.run_list import CURRENT, ON_DISK
from reports.terminal.run_page import page_lines
from tests.reports.run_case import metrics, nodes, pushed, run

BASE = Path("/output")
VARIANT = {
    **{"bytes": 5, "gzip_bytes": 4, "metric": "auc", "value": 0.7, "change": None, "latency_p50_us": 2.0},
    **{"accepted": True, "reasons": []},
}


def page(shown: StoredRun, *others: StoredRun, mark: str = "") -> list[str]:
    marks = {("flights", shown.version): mark} if mark else {}
    return page_lines(shown, [shown, *others], marks, BASE)


def test_a_run_tells_how_it_was_started_what_its_nodes_did_and_what_came_of_it() -> None:
    config = {"command": ["run_local.py", "--set", "network.epochs=6 "]}
    done = nodes(Trainer="ran")
    done[0]["why"] = "network.epochs changed"
    shown = run(
        1,
        config=config,
        status="pushed",
        window="1:9",
        nodes=[*done, *nodes(Pusher="cached")],
        rows={"train": 1_200, "test": 300},
        metrics=metrics(auc=0.7123),
        pushed=pushed("8"),
        blessed=True,
        startup_seconds=4.4,
    )

    assert page(shown, mark=CURRENT) == [
        "run 1, 20130901T120530-000000, flights: pushed",
        "  command run_local.py --set 'network.epochs=6 '",
        "  when    2013-09-01 12:05 UTC, 42 s in all, of which 4 s start-up",
        "  window  spans 1:9",
        "  rows    train 1,200, test 300",
        "",
        "  ✓ Trainer           ran          1.0 s  network.epochs changed",
        "  = Pusher            cached       1.0 s",
        "",
        "  test split              candidate   (no baseline)",
        "  auc                        0.7123",
        "",
        "  blessed and pushed: version 8",
        "",
        "  version 8, the current one",
    ]


@pytest.mark.parametrize(
    ("mark", "told"), [(CURRENT, "the current one"), (ON_DISK, "still on disk"), ("", "since removed")]
)
def test_the_version_says_whether_it_is_still_there(mark: str, told: str) -> None:
    assert page(run(1, status="pushed", pushed=pushed("8")), mark=mark)[-1] == f"  version 8, {told}"


def test_what_an_older_version_did_not_record_is_said() -> None:
    assert page(run(1))[1] == "  command not recorded: the run is of an older version"


def test_a_failed_run_shows_its_error_and_an_interrupted_one_no_verdict() -> None:
    failed = run(1, status="failed", error="rows.csv:3: a sentence", reasons=["rows.csv:3: a sentence"])
    stopped = run(1, status="interrupted", nodes=nodes(Trainer="failed"), reasons=["KeyboardInterrupt: no message"])

    assert "  failed: rows.csv:3: a sentence" in page(failed)
    assert "  interrupted in Trainer" in page(stopped)
    assert not [line for line in page(stopped) if "blessed" in line]


def test_a_run_from_the_cache_names_the_one_that_made_all() -> None:
    lines = page(run(1, nodes=nodes(Trainer="cached")), run(2, nodes=nodes(Trainer="ran")))

    assert lines[0].endswith(": finished, as run 2")
    assert "  cache   all of it, as run 2, 20130801T120530-000000, made it" in lines


@pytest.mark.parametrize("state", [State.UNDER_WAY, State.CUT_OFF, State.UNREADABLE])
def test_a_run_without_a_record_is_shown_by_what_there_is(state: State) -> None:
    lines = page(run(1, state=state, config={"command": ["run_local.py"], "window": ":3"}))

    assert lines[0].endswith(f": {state}")
    assert lines[1:4] == ["  command run_local.py", "  when    2013-09-01 12:05 UTC", "  window  spans :3"]


@pytest.mark.parametrize(("number", "told"), [(1, " --output ."), (2, " --run 2 --output .")])
def test_variants_that_find_no_room_are_listed_by_a_command(
    number: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/usr/bin/python")
    entries = [{**VARIANT, "name": f"variant_{place}"} for place in range(40)]
    shown = run(number, variants=entries)

    assert f"of them accepted: see /usr/bin/python -m pipeline devices{told}" in "\n".join(page(shown))


def test_files_are_named_that_are_there(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "20130901T120530-000000"
    folder.mkdir(parents=True)
    for name in ("run.json", "report.html"):
        (folder / name).write_text('{"run_id": "1", "status": "finished"}', encoding="utf-8")
    (shown,) = read_runs(tmp_path / "runs", held=False)

    assert page_lines(shown, [shown], {}, tmp_path)[-2:] == [
        "  report  runs/20130901T120530-000000/report.html",
        "  record  runs/20130901T120530-000000/run.json",
    ]


def test_no_line_is_wider_than_the_terminal() -> None:
    shown = run(1, config={"command": ["run_local.py", "x" * 200]}, nodes=nodes(Trainer="ran"))

    assert max(len(line) for line in page_lines(shown, [shown], {}, BASE, width=50)) == 50
