"""A job server that is really started: what a worker's error becomes, jobs that are cancelled, and how it ends."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import apache_beam as beam
import psutil
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.beam.job_cancellation import cancel_jobs
from pipeline.beam.job_server import JobServer
from pipeline.beam.loopback_workers import LoopbackWorkers
from pipeline.beam.pipeline_options import engine_arguments
from pipeline.beam.remote_errors import as_raised
from pipeline.beam.workers import Workers
from pipeline.config.beam import Beam
from schema.errors import InputError
from tests.e2e.running import ROOT
from tests.engines.conftest import program_of

pytestmark = pytest.mark.engines
SENTENCE = "rows.csv:3: column 'ph': expected a number. Received: 'acid'"
PATIENCE_SECONDS = 60
Engine = tuple[Beam, JobServer]


@pytest.fixture(scope="module", params=["flink", "spark"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    program_of(request.param)
    section = Beam(runner=request.param)
    server = JobServer(section, tmp_path_factory.mktemp("server") / "job_server.log", 1)
    yield section, server
    server.close()


def run(engine: Engine, step: Callable[[int], int], name: str = "test") -> None:
    section, server = engine
    own = LoopbackWorkers()
    arguments = engine_arguments(section, server.address(), name, Workers(), own.address())
    try:
        with beam.Pipeline(options=PipelineOptions(arguments)) as pipeline:
            pipeline | beam.Create([1]) | beam.Map(step)
    finally:
        own.close()


def refuse(number: int) -> int:
    del number
    raise InputError(SENTENCE)


def give_up(number: int) -> int:
    raise ValueError(f"{number} is too large")


def test_a_workers_error_comes_back_in_its_own_words(engine: Engine) -> None:
    with pytest.raises(RuntimeError) as caught:
        run(engine, refuse)
    error = as_raised(caught.value)
    assert type(error) is InputError
    assert str(error) == SENTENCE


def test_another_error_is_named_in_a_line(engine: Engine) -> None:
    with pytest.raises(RuntimeError) as caught:
        run(engine, give_up)
    assert str(as_raised(caught.value)) == "in a Beam worker: ValueError: 1 is too large"


def wait_long(number: int) -> int:
    time.sleep(PATIENCE_SECONDS)
    return number


def test_a_runs_jobs_are_cancelled_and_no_others(engine: Engine) -> None:
    outcome: list[BaseException | None] = []

    def work() -> None:
        try:
            run(engine, wait_long, name="mine")
            outcome.append(None)
        except RuntimeError as error:
            outcome.append(error)

    began = time.monotonic()
    thread = threading.Thread(target=work)
    thread.start()
    address = engine[1].address()
    while not cancel_jobs(address, "mine"):
        assert cancel_jobs(address, "theirs") == 0
        assert time.monotonic() - began < PATIENCE_SECONDS
        time.sleep(0.5)
    thread.join(PATIENCE_SECONDS)
    assert outcome
    assert outcome[0] is not None
    assert "CANCELLED" in str(outcome[0])


@pytest.mark.parametrize("kill", [False, True])
def test_java_ends_with_the_run_however_that_ends(tmp_path: Path, kill: bool) -> None:
    program_of("flink")
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from pipeline.config.beam import Beam\n"
        "from pipeline.beam.job_server import JobServer\n"
        f"server = JobServer(Beam(runner='flink'), Path({str(tmp_path / 'log')!r}), 1)\n"
        "print(server.address(), flush=True)\n"
        "sys.stdin.read()\n"
        "server.close()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline().startswith("localhost:")
    below = psutil.Process(child.pid).children(recursive=True)
    assert any("java" in process.name() for process in below)
    if kill:
        child.kill()
    else:
        child.stdin.close()
    child.stdout.close()
    child.wait(PATIENCE_SECONDS)
    _, alive = psutil.wait_procs(below, timeout=PATIENCE_SECONDS)
    assert not alive
