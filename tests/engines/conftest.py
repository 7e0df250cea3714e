"""Runs by each engine, made once; the engines' jars are laid out by `make flink` and `make spark`."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.beam.job_server import Program, find_program
from pipeline.config.beam import Beam
from schema.errors import InputError
from tests.e2e.running import ROOT, Run, run_local
from tests.engines.flink_cluster import FlinkCluster, flink_cluster
from tests.pipeline.database_server import free_port

QuickRun = Callable[..., Run]
START_SECONDS = 60


def program_of(runner: str) -> Program:
    """The engine's job server; without it the test is skipped, which says what is absent."""
    try:
        return find_program(Beam(runner=runner))
    except InputError as absent:
        pytest.skip(str(absent))


@pytest.fixture(scope="session")
def quick_run(tmp_path_factory: pytest.TempPathFactory) -> QuickRun:
    """quick_run(name, *sets): the sample problem by --quick, up to the Evaluator."""

    def run(name: str, *sets: str) -> Run:
        flags = [part for key in sets for part in ("--set", key)]
        data = str(ROOT / "data" / "nyc_flights")
        done = run_local(tmp_path_factory.mktemp(name), "--quick", "--data", data, "--to", "Evaluator", *flags)
        assert done.code == 0, done.stdout + done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def direct(quick_run: QuickRun) -> Run:
    """By Beam's direct runner."""
    return quick_run("direct")


@pytest.fixture(scope="session")
def embedded(request: pytest.FixtureRequest, quick_run: QuickRun) -> Run:
    """By the engine inside its job server; the parameter names it."""
    runner = str(request.param)
    program_of(runner)
    return quick_run(runner, f"beam.runner={runner}", "beam.workers=2")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkCluster]:
    """A Flink cluster of two workers."""
    with flink_cluster(program_of("flink"), tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="session")
def worker_pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address at which the cluster's machine starts Python workers; from a folder that is not the project's."""
    folder, port = tmp_path_factory.mktemp("pool"), free_port()
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    with (folder / "pool.log").open("wb") as log:
        line = [sys.executable, "-m", "pipeline", "beam-worker", "--port", str(port)]
        pool = subprocess.Popen(line, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            wait_until_listening(port, folder / "pool.log")
            yield f"localhost:{port}"
        finally:
            pool.terminate()
            pool.wait(timeout=30)


def wait_until_listening(port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with socket.socket() as client:
            if client.connect_ex(("localhost", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError(log.read_text(encoding="utf-8"))


def artifact(output: Path, node: str, key: str) -> Path:
    """The folder of the only artifact of a node's output."""
    (folder,) = (output / "artifacts" / node / key).iterdir()
    return folder
