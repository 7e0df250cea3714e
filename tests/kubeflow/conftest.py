"""A cluster of its own for each group of tests, and pipelines compiled for it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import run_kubeflow
from tests.kubeflow import sandbox
from tests.kubeflow.launcher import Cluster
from tests.models.conftest import examples, transform_graph

__all__ = ["examples", "transform_graph"]

IMAGE = "example.com/flights:1"
PIPELINE_ROOT = "s3://bucket/root"


def skip_without_sandbox() -> None:
    """Skips where there can be no sandbox."""
    missing = sandbox.available()
    if missing:
        pytest.skip(missing)


@pytest.fixture(scope="session")
def flights_volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A persistent volume with the sample's raw data on it."""
    volume = tmp_path_factory.mktemp("volume")
    shutil.copytree(sandbox.ROOT / "data" / "nyc_flights", volume / "data" / "nyc_flights")
    return volume


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, flights_volume: Path) -> Cluster:
    """The cluster of the sample problem's runs."""
    skip_without_sandbox()
    return Cluster(tmp_path_factory.mktemp("cluster"), {"pipeline": flights_volume})


Compile = Callable[..., str]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """compiled(*flags): the file that run_kubeflow.py writes for open-source Kubeflow."""
    folder = tmp_path_factory.mktemp("compiled")

    def write(*flags: str) -> str:
        file = folder / "pipeline.yaml"
        own = ["--image", IMAGE, "--pipeline-root", PIPELINE_ROOT, "--output", str(file)]
        assert run_kubeflow.main([*own, *flags]) == 0
        return file.read_text(encoding="utf-8")

    return write
