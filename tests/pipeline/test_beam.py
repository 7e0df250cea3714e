"""Beam's arguments, in the graph and beside it."""

import os

import pytest

from pipeline.beam import graph_arguments, importable_project, worker_arguments
from pipeline.config import ROOT, Beam


def test_one_worker_is_in_this_process_and_several_are_processes() -> None:
    assert worker_arguments(1) == ["--direct_running_mode=in_memory", "--direct_num_workers=1"]
    assert worker_arguments(4) == ["--direct_running_mode=multi_processing", "--direct_num_workers=4"]


def test_the_number_of_workers_is_no_part_of_the_graph() -> None:
    assert graph_arguments(Beam(workers=1)) == graph_arguments(Beam(workers=4))


@pytest.mark.parametrize(("before", "within"), [(None, str(ROOT)), ("/elsewhere", f"{ROOT}{os.pathsep}/elsewhere")])
def test_workers_find_the_project_and_the_environment_is_as_before_afterwards(
    monkeypatch: pytest.MonkeyPatch, before: str | None, within: str
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    if before is not None:
        monkeypatch.setenv("PYTHONPATH", before)
    with importable_project():
        assert os.environ["PYTHONPATH"] == within
    assert os.environ.get("PYTHONPATH") == before
