"""The sample problem's run, made once and looked at by tests of every kind."""

import shutil
from pathlib import Path

import pytest

from tests.e2e.running import FLIGHTS, ROOT, Run, run_local

# Modules that look at the same runs, which a process makes once; any other folder is a group of its own.
_SHARED_RUNS = "shared runs"
_GROUPS = {
    "e2e/test_any_table.py": _SHARED_RUNS,
    "e2e/test_bad_input.py": _SHARED_RUNS,
    "e2e/test_metadata_server.py": _SHARED_RUNS,
    "e2e/test_notebooks.py": _SHARED_RUNS,
    "e2e/test_quick.py": _SHARED_RUNS,
    "e2e/test_report_page.py": _SHARED_RUNS,
    "kubeflow/test_emulated_run.py": "emulated cluster",
    "kubeflow/test_mends_are_needed.py": "emulated cluster",
}
# What takes longest begins first, so that no process waits long for another in the end.
_LONGEST = ("emulated cluster", _SHARED_RUNS, "kubeflow", "models", "e2e", "components")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tells pytest-xdist which tests stay in one process: those that share what is costly to make."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _LONGEST.index(group) if (group := _group(item)) in _LONGEST else len(_LONGEST))


def _group(item: pytest.Item) -> str:
    path = item.path.relative_to(Path(__file__).parent)
    return _GROUPS.get(path.as_posix(), path.parts[0])


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
