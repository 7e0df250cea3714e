"""Beam's arguments, in the graph and beside it."""

import os

import pytest

from pipeline.beam.pipeline_options import graph_arguments, importable_project, worker_arguments
from pipeline.beam.workers import Workers
from pipeline.config.environment import Beam, Environment
from pipeline.config.pipeline_config import ROOT


def test_workers_are_of_the_kind_and_number_that_was_chosen() -> None:
    assert worker_arguments(Workers()) == ["--direct_running_mode=in_memory", "--direct_num_workers=1"]
    several = worker_arguments(Workers("multi_processing", 4))
    assert several == ["--direct_running_mode=multi_processing", "--direct_num_workers=4"]


def test_workers_of_a_local_run_are_no_part_of_the_graph() -> None:
    other = Beam(running_mode="multi_processing", workers=4)
    assert graph_arguments(Environment(name="a")) == graph_arguments(Environment(name="b", beam=other))


def test_a_container_is_told_its_workers() -> None:
    several = Environment(name="a", orchestrator="kubeflow", beam=Beam(workers=4))
    assert graph_arguments(several)[1:3] == ["--direct_running_mode=multi_threading", "--direct_num_workers=4"]


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
