"""Old runs of the real graph are pruned, and the next run goes on as if they were there."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import crops_flags
from tests.e2e.running import ROOT, Run, environment, run_local

# One version is kept, so that a release holds the newest run alone; and every model is pushed, after little work.
SETS = {
    "release.keep": "1",
    "network.epochs": "2",
    "device.variants": "[float32]",
    "device.min_accepted": "1",
    "evaluation.bounds": "{}",
    "evaluation.changes": "{}",
}


@pytest.fixture(scope="module")
def flags(crops_data: Path) -> list[str]:
    return [*crops_flags(crops_data), *(part for key, value in SETS.items() for part in ("--set", f"{key}={value}"))]


@pytest.fixture(scope="module")
def pruned(flags: list[str], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The last of three runs, each of which pushed a model, once the others are pruned."""
    output = tmp_path_factory.mktemp("pruned")
    for changed in (["--span-window", ":2020"], ["--set", "training.seed=2"], []):
        run = run_local(output, *flags, *changed)
        assert run.code == 0, run.stdout
    assert len(list((output / "artifacts" / "Trainer" / "model").iterdir())) == 3
    told = module("pipeline", "runs", "prune", "--keep", "1", "--output", str(output))
    assert told.startswith("removed 2 runs, "), told
    return run


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


def test_the_next_run_finds_everything_in_the_cache(pruned: Run, flags: list[str]) -> None:
    # The model that the one that stays was compared with is there, and nothing older.
    assert len(list((pruned.output / "artifacts" / "Trainer" / "model").iterdir())) == 2
    before = pruned.record

    run = run_local(pruned.output, *flags)

    assert run.code == 0, run.stdout
    assert set(run.statuses.values()) == {"cached"}
    assert run.record["metrics"] == before["metrics"]
    assert run.record["metrics"]["baseline"] != {}


def test_a_part_goes_on_from_the_run_that_stays(pruned: Run, flags: list[str]) -> None:
    run = run_local(pruned.output, *flags, "--only", "Pusher")

    assert run.code == 0, run.stdout
    assert run.statuses["Pusher"] == "cached"


def test_the_version_in_use_is_whole_and_the_list_says_what_is_left(pruned: Run) -> None:
    version = pruned.record["pushed"]["version"]
    releases = module("pipeline", "release", "list", "--problem", "crops", "--output", str(pruned.output))
    assert releases.startswith(f"* {version}  ")
    rolled = module("pipeline", "release", "rollback", "--problem", "crops", "--output", str(pruned.output))
    assert f"no version before {version} to go back to" in rolled
    assert f"{version}*" in module("pipeline", "runs", "list", "--output", str(pruned.output))
