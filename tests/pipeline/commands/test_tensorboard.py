"""The TensorBoard command: which trainings it shows, under which names, and what it says when it cannot."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pipeline.commands.input_profile import told
from pipeline.commands.tensorboard import find_trainings, lay_out, main
from schema.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 60


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., None]:
    """run("run id", {"Trainer.model_run": path, ...} or None): lays a run.json; those artifacts get a scalar."""

    def lay(run_id: str, artifacts: dict[str, str] | None) -> None:
        folder = tmp_path / "runs" / run_id
        folder.mkdir(parents=True)
        named = {} if artifacts is None else {"artifacts": artifacts}
        (folder / "run.json").write_text(json.dumps({"run_id": run_id, **named}), encoding="utf-8")
        for key, path in (artifacts or {}).items():
            logs = tmp_path / path / ("logs/0" if key.startswith("Tuner") else "train")
            if not logs.exists():
                with tf.summary.create_file_writer(str(logs)).as_default():
                    tf.summary.scalar("loss", 0.5, step=0)

    return lay


Lay = Callable[..., None]


def test_trainings_and_searches_are_named_by_their_run(run: Lay, tmp_path: Path) -> None:
    artifacts = {
        "Trainer.model_run": "artifacts/run/7",
        "Tuner.tuner_results": "artifacts/results/6",
        "FineTuner.model_run": "artifacts/run/8",
    }
    run("20260101", artifacts)

    assert find_trainings(tmp_path).folders == {
        "20260101": tmp_path / "artifacts/run/7",
        "20260101 trials": tmp_path / "artifacts/results/6/logs",
        "20260101 fine-tuning": tmp_path / "artifacts/run/8",
    }


def test_what_a_later_run_took_from_the_cache_is_shown_once(run: Lay, tmp_path: Path) -> None:
    run("20260101", {"Trainer.model_run": "artifacts/run/7"})
    run("20260102", {"Trainer.model_run": "artifacts/run/7"})
    run("20260103", {"Trainer.model_run": "artifacts/run/9", "Evaluator.evaluation": "artifacts/evaluation/10"})
    (tmp_path / "runs" / "latest").symlink_to("20260103")

    found = find_trainings(tmp_path)

    assert list(found.folders) == ["20260101", "20260103"]
    assert found.notes() == []


def test_a_path_that_is_absolute_stays_as_it_is(run: Lay, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "7"
    run("20260101", {"Trainer.model_run": str(elsewhere)})

    assert find_trainings(tmp_path).folders == {"20260101": elsewhere}


def test_what_cannot_be_shown_is_counted(run: Lay, tmp_path: Path) -> None:
    run("20250101", None)
    run("20250102", None)
    run("20260101", {"Trainer.model_run": "artifacts/run/7"})
    run("20260102", {"Trainer.model_run": "artifacts/run/8"})
    (tmp_path / "artifacts" / "run" / "7").rename(tmp_path / "moved")

    found = find_trainings(tmp_path)

    assert list(found.folders) == ["20260102"]
    assert found.notes() == [
        "not shown: 2 of runs/, whose run.json names no artifacts",
        "not shown: 1 trainings, whose folders are gone",
    ]


def test_without_a_training_the_next_command_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--output", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"{tmp_path}: no training to show. Train first: make run\n"


def test_runs_that_name_no_artifacts_are_why_there_is_nothing(
    run: Lay, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("20250101", None)
    run("20260101", {})

    assert main(["--output", str(tmp_path)]) == 2
    assert capsys.readouterr().err.endswith("make run\nnot shown: 1 of runs/, whose run.json names no artifacts\n")


@pytest.mark.parametrize("text", ['{"run_id": ', "[]"])
def test_a_run_json_that_is_none_is_named(text: str, tmp_path: Path) -> None:
    record = tmp_path / "runs" / "20260101" / "run.json"
    record.parent.mkdir(parents=True)
    record.write_text(text, encoding="utf-8")

    with pytest.raises(InputError, match=str(record)):
        find_trainings(tmp_path)


def test_laid_out_again_only_what_is_new_is_added(run: Lay, tmp_path: Path) -> None:
    board = tmp_path / "board"
    run("20260101", {"Trainer.model_run": "artifacts/run/7"})
    lay_out(find_trainings(tmp_path), board)
    (first,) = (board / "20260101" / "train").iterdir()
    run("20260102", {"Trainer.model_run": "artifacts/run/8"})

    lay_out(find_trainings(tmp_path), board)

    assert sorted(path.name for path in board.iterdir()) == ["20260101", "20260102"]
    assert first.resolve().parent == tmp_path / "artifacts" / "run" / "7" / "train"
    (loss,) = EventAccumulator(str(board / "20260102" / "train")).Reload().Tensors("loss")
    assert tf.make_ndarray(loss.tensor_proto) == 0.5


@pytest.mark.parametrize("port", ["-1", "99999", "http"])
def test_a_port_that_there_is_not_is_bad_usage(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([f"--port={port}"])
    assert f"--port: expected a number from 0 to 65535. Received: {port}" in capsys.readouterr().err


def test_what_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/x/runs")

    monkeypatch.setattr("pipeline.commands.tensorboard.find_trainings", refused)

    assert main(["--output", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "/x/runs: Permission denied\n"


def test_a_port_that_is_taken_is_said(run: Lay, tmp_path: Path) -> None:
    run("20260101", {"Trainer.model_run": "artifacts/run/7"})
    with socket.create_server(("localhost", 0)) as taken:
        port = taken.getsockname()[1]
        # In a process of its own, for TensorBoard leaves its data server running until the process ends.
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", "tensorboard", "--output", str(tmp_path), "--port", str(port)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 2
    assert f"--port {port}: another program listens there, maybe an earlier TensorBoard. Name" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_the_runs_by_name_until_it_is_interrupted(run: Lay, tmp_path: Path, end: signal.Signals) -> None:
    run("20260101", {"Trainer.model_run": "artifacts/run/7", "Tuner.tuner_results": "artifacts/results/6"})
    links = tmp_path / "links"
    links.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline", "tensorboard", "--output", str(tmp_path), "--port", "0"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(links)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if "Ctrl-C" in line)
            url = line.split(": ")[1].split()[0]
            names: list[str] = []
            for _ in range(SECONDS):  # the data server reads what is there before it answers, yet not at once
                with urllib.request.urlopen(f"{url}data/runs", timeout=SECONDS) as answer:  # noqa: S310 (our own)
                    names = json.load(answer)
                if len(names) == 2:
                    break
                time.sleep(0.5)
            process.send_signal(end)
            assert process.wait(SECONDS) == 0
        finally:
            process.kill()
    assert line.startswith("2 trainings and searches of ")
    assert sorted(names) == ["20260101 trials/0", "20260101/train"]
    assert not list(links.glob("tensorboard-*"))


def test_an_input_pipelines_figures_are_told() -> None:
    steps = {
        "p": {"steptime_ms_average": "15.1", "infeed_time_ms_avg": "0.2"},
        "rows": [{"c": []}, {"c": []}],
    }
    columns = [{"id": name} for name in ("opName", "selfTimeInMs", "selfTimeInPercent")]
    rows = [
        {"c": [{"v": "Iterator::Prefetch"}, {"v": 1.0}, {"v": 0.25}]},
        {"c": [{"v": "Iterator::Prefetch::Map"}, {"v": 3.0}, {"v": 0.75}]},
    ]

    assert told([{}, steps, {"cols": columns, "rows": rows}, {}, {}]) == [
        "a step takes 15.1 ms (mean of 2), 0.2 ms of it for input",
        "  1.50 ms a step beside it (75%): Iterator::Prefetch::Map",
        "  0.50 ms a step beside it (25%): Iterator::Prefetch",
    ]
