"""Whole runs, made once and looked at by many tests."""

from pathlib import Path

import pytest

from tests.crops import PROBLEMS, write_crops
from tests.e2e.running import Run, run_local


@pytest.fixture(scope="session")
def crops_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three spans of the second table."""
    return write_crops(tmp_path_factory.mktemp("crops_data"))


@pytest.fixture(scope="session")
def crops(tmp_path_factory: pytest.TempPathFactory, crops_data: Path) -> Run:
    """A problem of three classes, from its folder alone, on its first two spans."""
    return run_local(tmp_path_factory.mktemp("crops"), *crops_flags(crops_data), "--span-window", ":2020")


@pytest.fixture(scope="session")
def harvest(tmp_path_factory: pytest.TempPathFactory, crops_data: Path) -> Run:
    """A regression on the same table, by threads of Beam's."""
    flags = ["--problem", str(PROBLEMS / "harvest"), "--data", str(crops_data), "--set", "beam.workers=2"]
    return run_local(tmp_path_factory.mktemp("harvest"), *flags)


def crops_flags(data: Path) -> list[str]:
    """Flags that name the second problem and its data."""
    return ["--problem", str(PROBLEMS / "crops"), "--data", str(data)]
