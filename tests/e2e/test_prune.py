"""Old runs of the real graph are pruned, and the next run goes on as if they were there."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import crops_flags
from tests.e2e.running import ROOT, Run, environment, run_local

# One version is kept, so that a release holds the newest run alone; and as little work as a run can be.
SMALL = ["--set", "release.keep=1", "--set", "network.epochs=2", "--set", "device.variants=[float32]"]


@pytest.fixture(scope="module")
def flags(crops_data: Path) -> list[str]:
    return [*crops_flags(crops_data), *SMALL, "--set", "device.min_accepted=1"]


@pytest.fixture(scope="module")
def pruned(flags: list[str], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The third of three runs, each of which pushed a model, once the others are pruned."""
    output = tmp_path_factory.mktemp("pruned")
    held = [*flags, "--set", "evaluation.bounds={}", "--set", "evaluation.changes={}"]
    for seed in (1, 2):
        run = run_local(output, *held, "--span-window", ":2020", "--set", f"training.seed={seed}")
        assert run.code == 0, run.stdout
    last = run_local(output, *held, "--set", "training.seed=2")
    assert last.code == 0, last.stdout
    assert len(list((output / "artifacts" / "Trainer" / "model").iterdir())) == 3
    told = module("pipeline.runs", "prune", "--keep", "1", "--output", str(output))
    assert told.startswith("removed 2 runs, "), told
    return last


def module(name: str, *arguments: str) -> str:
    """What a command of ours says."""
    done = subprocess.run(
        [sys.executable, "-m", name, *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.fixture
def again(flags: list[str], pruned: Run) -> list[str]:
    """The flags of the run that stays."""
    return [*flags, *["--set", "evaluation.bounds={}", "--set", "evaluation.changes={}", "--set", "training.seed=2"]]


def test_the_next_run_finds_everything_in_the_cache(pruned: Run, again: list[str]) -> None:
    # The model that the one that stays was compared with is there, and nothing older.
    assert len(list((pruned.output / "artifacts" / "Trainer" / "model").iterdir())) == 2
    record = pruned.record
    run = run_local(pruned.output, *again)

    assert run.code == 0, run.stdout
    assert set(run.statuses.values()) == {"cached"}
    assert run.record["metrics"] == record["metrics"]
    assert run.record["metrics"]["baseline"] != {}


def test_a_part_goes_on_from_the_run_that_stays(pruned: Run, again: list[str]) -> None:
    run = run_local(pruned.output, *again, "--only", "Pusher")

    assert run.code == 0, run.stdout
    assert run.statuses["Pusher"] == "cached"


def test_the_version_in_use_is_whole_and_the_list_says_what_is_left(pruned: Run) -> None:
    version = pruned.record["pushed"]["version"]
    releases = module("pipeline.release", "list", "--problem", "crops", "--output", str(pruned.output))
    assert releases.startswith(f"* {version}  ")
    rolled = module("pipeline.release", "rollback", "--problem", "crops", "--output", str(pruned.output))
    assert f"no version before {version} to go back to" in rolled
    assert f"{version}*" in module("pipeline.runs", "list", "--output", str(pruned.output))
