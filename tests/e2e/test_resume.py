"""A run that was killed in its training goes on where it was."""

import os
import signal
import subprocess
import time
from pathlib import Path

from tests.e2e.conftest import crops_flags
from tests.e2e.running import ROOT, command, environment, run_local

PATIENCE_SECONDS = 240
# Enough epochs that the kill falls into the training, and none that ends it early.
LONG = ["--set", "network.epochs=30", "--set", "network.patience=30", "--span-window", "2019"]


def test_a_killed_training_resumes(crops_data: Path, tmp_path: Path) -> None:
    flags = [*crops_flags(crops_data), *LONG]
    running = subprocess.Popen(
        command(tmp_path, *flags),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        log = wait_for_epoch(tmp_path, 4)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    assert "Epoch 30/30" not in log

    again = run_local(tmp_path, *flags)

    assert again.code == 0, again.stdout
    assert again.statuses["Transform"] == "cached"
    assert again.statuses["Trainer"] == "ran"
    resumed = (again.folder / "run.log").read_text(encoding="utf-8")
    assert "Epoch 1/30" not in resumed
    assert "Epoch 30/30" in resumed
    assert again.record["status"] == "pushed"


def wait_for_epoch(output: Path, epoch: int) -> str:
    """What the log says once this epoch has begun."""
    log = output / "runs" / "latest" / "run.log"
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        text = log.read_text(encoding="utf-8") if log.exists() else ""
        if f"Epoch {epoch}/" in text:
            return text
        time.sleep(0.1)
    raise TimeoutError(f"epoch {epoch} did not begin in {PATIENCE_SECONDS} s")
