"""Two workers of this machine by one command: they train inside the Trainer, and Ctrl-C ends them with the run."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import tensorflow as tf

from tests.crops import write_crops
from tests.e2e.conftest import crops_flags
from tests.e2e.running import TIMEOUT_SECONDS, command, environment

SETS = ["--set", "training.strategy=multi_worker_mirrored", "--set", "training.local_workers=2"]


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Up to the Trainer, on two small spans."""
    data = write_crops(tmp_path_factory.mktemp("data"), range(2019, 2021), 400)
    return [*crops_flags(data), "--to", "Trainer", *SETS]


def workers(run: int) -> list[int]:
    """Ids of the workers of a run; another's may be on this machine too."""
    children = [child.pid for child in psutil.Process(run).children(recursive=True)]
    return [pid for pid in children if is_worker(Path("/proc", str(pid)))]


def is_worker(process: Path) -> bool:
    """Whether it is one of those that models.entrypoints.local_cluster starts."""
    try:
        return b"models.entrypoints.local_worker" in (process / "cmdline").read_bytes()
    except OSError:
        return False


def start(output: Path, flags: list[str], folder: Path) -> subprocess.Popen[str]:
    """The run as a process, from a folder that is not the project's."""
    return subprocess.Popen(
        command(output, *flags),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def logged(output: Path) -> str:
    """What the run has logged so far."""
    log = output / "runs" / "latest" / "run.log"
    return log.read_text(encoding="utf-8") if log.is_file() else ""


def until(holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Waits for something, while the process runs."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while not holds():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.1)


def test_they_train_inside_the_pipelines_trainer(flags: list[str], tmp_path: Path) -> None:
    output = tmp_path / "output"
    with start(output, flags, tmp_path) as run:
        printed, _ = run.communicate()
    assert run.returncode == 0, printed + logged(output)
    record = json.loads((output / "runs" / "latest" / "run.json").read_text(encoding="utf-8"))
    assert {node["id"]: node["status"] for node in record["nodes"]}["Trainer"] == "ran"
    assert "[worker 1] Epoch 1/" in logged(output)
    assert "rows, over 2 replicas" in logged(output)
    (model,) = output.glob("artifacts/Trainer/model/*/Format-Serving")
    assert "predict_rows" in tf.saved_model.load(str(model)).signatures


def test_sigterm_ends_the_run_and_its_workers(flags: list[str], tmp_path: Path) -> None:
    output = tmp_path / "output"
    with start(output, [*flags, "--set", "network.epochs=1000", "--set", "network.patience=1000"], tmp_path) as run:
        until(lambda: "[worker 0] Epoch 1/" in logged(output), run)
        mine = workers(run.pid)
        assert len(mine) == 2
        os.kill(run.pid, signal.SIGTERM)
        printed, _ = run.communicate(timeout=TIMEOUT_SECONDS)
    assert run.returncode == 143, printed
    assert "interrupted in Trainer" in printed
    assert json.loads((output / "runs" / "latest" / "run.json").read_text(encoding="utf-8"))["status"] == "interrupted"
    assert "start again" not in logged(output)
    assert not [pid for pid in mine if is_worker(Path("/proc", str(pid)))]
