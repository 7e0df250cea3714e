"""The commands' flags, exit codes and findings."""

import argparse
from pathlib import Path

import pytest

from benchmarks import bench, scale
from benchmarks.command import finish
from benchmarks.findings import chart, tables
from benchmarks.node_floors import node_floors
from schema.errors import InputError


def refuse() -> None:
    raise InputError("the log is there")


def interrupt() -> None:
    raise KeyboardInterrupt


def test_a_failed_run_ends_with_its_sentence_and_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert finish(refuse) == 2
    assert capsys.readouterr().err == "\nthe log is there\n"


def test_an_interrupted_benchmark_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert finish(interrupt) == 130
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["0", "-1", "many"])
def test_pairs_that_are_none_are_refused(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        bench.parse(["--pairs", flag])
    assert "--pairs" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["1", "3,1", "1,1", "0,3"])
def test_multiples_that_show_no_growth_are_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected"):
        scale.times(text)


def test_multiples_are_read_in_order() -> None:
    assert scale.times("1,3,10") == (1, 3, 10)


def test_a_markdown_file_that_is_absent_is_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.main(["--markdown", str(tmp_path / "RESULTS.md"), "--output", str(tmp_path / "out")]) == 2
    assert "RESULTS.md: no such file" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_floor_of_a_node_is_the_sum_of_its_steps() -> None:
    steps = {"parse": 0.5, "encode": 2.0, "write": 1.0, "read": 0.25, "decode": 0.75}
    steps |= {"read_test": 0.125, "predict_test": 0.375}
    found = {node: seconds for node, (seconds, _) in node_floors(steps, 0.05, 1200).items()}
    assert found == {"ExampleGen": 3.5, "StatisticsGen": 1.0, "Transform": 4.0, "Trainer": 60.0, "Evaluator": 0.5}


RATIO = {"stock_s": 80.0, "ours_s": 8.0, "ratio": 10.0, "ratio_low": 9.0, "ratio_high": 11.0}
NODE = {
    **RATIO,
    "stock_mb": 1500.0,
    "ours_mb": 1200.0,
    "ours_recorded_mb": None,
    "in_turn_s": 5.0,
    "in_turn_ratio": 16.0,
}
CONTENT = {
    "nodes": {"Evaluator": NODE},
    "chain": {
        **NODE,
        **dict.fromkeys(("shared_nodes", "startup_and_shared_nodes", "startup", "process"), RATIO),
    },
    "own_nodes": {"DeviceModels": {"ours_s": 15.0, "ours_mb": 2100.0}},
    "machine": {
        "cores": 2,
        "processor": "a processor",
        "memory_gib": 23.5,
        "system": "a system",
        "python": "3.11.7",
        "versions": {"tfx": "1.21.0"},
    },
    "data": {"problem": "nyc_flights", "rows": 327346, "bytes": 39_642_731},
    "pairs": 3,
    "rerun": {"process_s": 12.0, "startup_s": None, "ran": []},
    "auc": {"stock": 0.71, "ours": 0.72},
    "evaluation": {"auc": {"stock": 0.7, "ours": 0.71}},
    "same_model": {"numbers": 481140, "largest_difference": 3e-8, "where": "overall auc"},
    "training_input": {"first": 1000.0, "input": 9000.0, "step": 3000.0, "input_over_step": 3.0},
    "floors": {"Evaluator": {"seconds": 2.0, "of": "read and predict the test split"}},
}


def test_every_finding_is_shown() -> None:
    shown = {table.title: table.rows for table in tables(CONTENT)}
    assert ("Evaluator", "80.0", "8.0", "10.0", "9.0 to 11.0", "5.0", "16.0") in shown[
        "Nodes of both sides, median seconds"
    ]
    assert ("DeviceModels", "15.0", "2,100") in shown["Nodes that stock TFX has not"]
    assert ("Evaluator", "1,500", "1,200", "-") in shown["Peak memory of the process tree, MiB"]
    assert ("of which start-up", "-") in shown["Unchanged run again, seconds"]
    (floors,) = [rows for title, rows in shown.items() if title.startswith("Where the time still goes")]
    assert floors == (("Evaluator", "8.0", "2.0", "4.0", "read and predict the test split"),)
    (evaluation,) = [rows for title, rows in shown.items() if title.startswith("Evaluation")]
    assert ("auc", "0.700000", "0.710000", "+0.010000") in evaluation
    assert ("one model, largest of 481,140 differences", "", "", "3e-08") in evaluation


def test_the_chart_ends_with_the_chain() -> None:
    drawn = chart(CONTENT)
    assert "327,346 rows, 2 cores, median of 3 pairs" in drawn
    assert drawn.index("Evaluator") < drawn.index("start to Pusher&#x27;s end")
