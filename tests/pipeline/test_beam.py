"""Beam's arguments, in the graph and beside it."""

import os

import pytest

from pipeline.beam import graph_arguments, importable_project, worker_arguments
from pipeline.config import ROOT, Beam
from pipeline.parallelism import Workers


def test_workers_are_of_the_kind_and_number_that_was_chosen() -> None:
    assert worker_arguments(Workers()) == ["--direct_running_mode=in_memory", "--direct_num_workers=1"]
    several = worker_arguments(Workers("multi_processing", 4))
    assert several == ["--direct_running_mode=multi_processing", "--direct_num_workers=4"]


def test_workers_are_no_part_of_the_graph() -> None:
    other = Beam(running_mode="multi_processing", workers=4)
    assert graph_arguments(Beam(workers=1)) == graph_arguments(other)


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
