"""The sample problem's run, made once and looked at by tests of every kind."""

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.e2e.running import FLIGHTS, Run, run_local
from tests.project_copy import copy_project

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


class GroupScheduling(LoadScopeScheduling):
    """Deals out groups of tests, each whole to one process."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """Keeps tests that share what is costly to make in one process."""
    return GroupScheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts the longest groups first, where several processes share the tests."""
    if hasattr(config, "workerinput"):
        places = {group: place for place, group in enumerate(_LONGEST)}
        items.sort(key=lambda item: places.get(group_of(item.nodeid), len(places)))


def group_of(nodeid: str) -> str:
    """The group of a test, by its id, such as `tests/schema/test_rows.py::test_a_row`."""
    path = nodeid.partition("::")[0].removeprefix("tests/")
    return _GROUPS.get(path, path.partition("/")[0])


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, to be edited."""
    return copy_project(tmp_path_factory.mktemp("copy") / "project", "tests")


@pytest.fixture(scope="session")
def flights(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Run:
    """The sample problem on its real data, by `--quick`."""
    return run_local(tmp_path_factory.mktemp("flights"), *FLIGHTS, project=project)
