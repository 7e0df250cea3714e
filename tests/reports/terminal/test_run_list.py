"""The list of runs: one line each, aligned, whatever became of them."""

from typing import Any

import pytest

from reports.runs.stored_runs import State
from reports.terminal.run_list import CURRENT, ON_DISK, list_lines, verdict
from tests.reports.run_case import metrics, nodes, pushed, run

NAN = float("nan")


def test_a_line_tells_of_each_run_newest_first() -> None:
    runs = [
        run(
            1, status="pushed", pushed=pushed("8"), metrics=metrics(auc=0.7291), rows={"train": 300_000, "test": 27_346}
        ),
        run(2, status="pushed", pushed=pushed("7"), metrics=metrics(auc=0.72), window="1:9", seconds=123.4),
        run(3, status="failed", nodes=nodes(ExampleGen="ran", Trainer="failed", Pusher="skipped")),
        run(4, status="pushed", pushed=pushed("6"), metrics=metrics(auc=NAN)),
    ]
    marks = {("flights", "8"): CURRENT, ("flights", "7"): ON_DISK, ("crops", "6"): CURRENT}

    assert list_lines(runs, marks, every=False) == [
        "run  when (UTC)        window     rows        auc  verdict            version  seconds",
        "  1  2013-09-01 12:05  :       327,346     0.7291  pushed             8*            42",
        "  2  2013-08-01 12:05  1:9                 0.7200  pushed             7+           123",
        "  3  2013-07-01 12:05  :                           failed in Trainer                42",
        "  4  2013-06-01 12:05  :                undefined  pushed             6             42",
        "  * the current version, + another that is still on disk",
    ]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"status": "pushed"}, "pushed"),
        ({"status": "not blessed"}, "not blessed"),
        ({"status": "finished"}, "finished"),
        ({"status": "failed"}, "failed"),
        ({"status": "failed", "nodes": nodes(Trainer="failed")}, "failed in Trainer"),
        ({"status": "failed", "nodes": nodes(AnomalyGate="failed")}, "anomalies"),
        ({"status": "interrupted", "nodes": nodes(Trainer="failed")}, "interrupted in Trainer"),
        ({"status": "interrupted"}, "interrupted"),
        ({"state": State.UNDER_WAY}, "under way"),
        ({"state": State.CUT_OFF}, "cut off"),
        ({"state": State.UNREADABLE}, "unreadable"),
    ],
)
def test_the_verdict_says_what_became_of_a_run(values: dict[str, Any], told: str) -> None:
    assert verdict(run(1, **values)) == told


def test_a_run_that_found_all_in_the_cache_names_the_one_that_made_it() -> None:
    made, other = {"Trainer.model": "artifacts/Trainer/model/7"}, {"Trainer.model": "artifacts/Trainer/model/8"}
    cached, ran = nodes(Trainer="cached", Pusher="skipped"), nodes(Trainer="ran", Pusher="skipped")
    runs = [
        run(1, nodes=cached, artifacts=made),
        run(2, nodes=cached, artifacts=made),
        run(3, nodes=ran, artifacts=other),
        run(4, nodes=ran, artifacts=made),
        run(5, nodes=cached, artifacts=other),
    ]

    assert [verdict(each, runs) for each in runs] == [
        *["finished, as run 4", "finished, as run 4", "finished", "finished"],
        # The run that made it is gone.
        "finished",
    ]


def test_runs_that_recorded_no_artifacts_are_told_apart_by_their_results() -> None:
    cached, ran = nodes(Trainer="cached"), nodes(Trainer="ran")
    runs = [
        run(1, nodes=cached, metrics=metrics(auc=0.7)),
        run(2, nodes=ran, metrics=metrics(auc=0.8)),
        run(3, nodes=ran, metrics=metrics(auc=0.7), problem="crops"),
        run(4, nodes=ran, metrics=metrics(auc=0.7)),
    ]

    assert verdict(runs[0], runs) == "finished, as run 4"


def test_the_problem_is_told_where_there_are_several_and_the_metric_of_each() -> None:
    lines = list_lines(
        [run(1, metrics=metrics(auc=0.7)), run(2, problem="crops", metrics=metrics(accuracy=0.5))], {}, every=False
    )

    assert [line.split()[3:] for line in lines[1:]] == [
        ["flights", ":", "auc", "0.7000", "finished", "42"],
        ["crops", ":", "accuracy", "0.5000", "finished", "42"],
    ]


def test_the_task_says_which_metric_is_the_main_one() -> None:
    config = {"problem": {"task": "regression"}}
    lines = list_lines([run(1, config=config, metrics=metrics(auc=0.7, mean_absolute_error=3.0))], {}, every=False)

    assert "mean_absolute_error" in lines[0]
    assert "3.0000" in lines[1]


def test_more_than_a_screen_is_counted_unless_all_are_asked_for() -> None:
    runs = [run(1)] * 42

    assert len(list_lines(runs, {}, every=False)) == 1 + 30 + 1
    assert list_lines(runs, {}, every=False)[-1] == "  and 12 more: --all"
    assert len(list_lines(runs, {}, every=True)) == 1 + 42


def test_a_record_that_cannot_be_read_is_named_below() -> None:
    lines = list_lines([run(1), run(2, state=State.UNREADABLE)], {}, every=False)

    assert lines[-1] == "  run 2: 20130801T120530-000000/run.json: not JSON: line 1"


@pytest.mark.parametrize("width", [20, 40, 60, 80])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    runs = [
        run(1, status="pushed", pushed=pushed("1795549136"), metrics=metrics(auc=0.7), rows={"train": 327_346}),
        run(2, state=State.UNREADABLE),
    ]
    lines = list_lines(runs, {("flights", "1795549136"): CURRENT}, every=False, width=width)

    assert max(len(line) for line in lines) <= width
    assert lines[0].startswith("run  when (UTC)")
