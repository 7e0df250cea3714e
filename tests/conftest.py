"""The sample problem's run, made once and looked at by tests of every kind."""

import shutil
from pathlib import Path

import pytest

from tests.e2e.running import FLIGHTS, ROOT, Run, run_local


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, to be edited."""
    folder = tmp_path_factory.mktemp("copy") / "project"
    left_out = shutil.ignore_patterns(".venv", ".git", ".tools", "data", "output", "tests", "__pycache__", ".*_cache")
    return Path(shutil.copytree(ROOT, folder, ignore=left_out))


@pytest.fixture(scope="session")
def flights(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Run:
    """The sample problem on its real data, by `--quick`."""
    return run_local(tmp_path_factory.mktemp("flights"), *FLIGHTS, project=project)
