"""What does a run's Beam work: this process, or an engine that a job server leads to."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from pipeline.beam.job_cancellation import cancel_jobs
from pipeline.beam.job_server import JobServer
from pipeline.beam.loopback_workers import LoopbackWorkers
from pipeline.beam.pipeline_options import engine_arguments, worker_arguments
from pipeline.beam.workers import Workers
from pipeline.config.beam import Beam


class Engine(Protocol):
    """What a run asks of it."""

    def arguments(self) -> Sequence[str]:
        """Beam's arguments for a node that begins, beside those in the graph."""

    def stop(self) -> None:
        """Ends what is under way, for a run that was interrupted."""


class InProcess:
    """Beam's direct runner.

    Args:
        arguments: for every Beam node.
    """

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        self._arguments = arguments

    def arguments(self) -> Sequence[str]:
        """Always the same."""
        return self._arguments

    def stop(self) -> None:
        """Nothing: its threads and processes are this process's, and end as those do."""


class JavaEngine:
    """Flink or Spark.

    Args:
        beam: the environment's section.
        server: leads to it.
        job_name: what it calls this run's jobs; no other run's must be called so.
        workers: of an engine inside the job server.
        own: does the Python work of an engine inside the job server, which is on this machine.
    """

    def __init__(self, beam: Beam, server: JobServer, job_name: str, workers: Workers, own: LoopbackWorkers) -> None:
        self._beam, self._server, self._job_name, self._workers, self._own = beam, server, job_name, workers, own

    def arguments(self) -> Sequence[str]:
        """Those that lead to the job server, which is started if it does not run yet."""
        pool = self._beam.worker_pool or self._own.address()
        return engine_arguments(self._beam, self._server.address(), self._job_name, self._workers, pool)

    def stop(self) -> None:
        """Cancels this run's jobs: a cluster would go on with them when the run is gone."""
        address = self._server.known_address
        if address is not None and self._beam.is_cluster:
            cancel_jobs(address, self._job_name)


@contextmanager
def open_engine(beam: Beam, workers: Workers, run_id: str, folder: Path) -> Iterator[Engine]:
    """The engine of a run, until it ends.

    Args:
        beam: the environment's section.
        workers: chosen for this machine.
        run_id: names the run.
        folder: the run's own, for a log.
    """
    if not beam.is_java:
        yield InProcess(worker_arguments(workers))
        return
    server = JobServer(beam, folder / "job_server.log", workers.count)
    own = LoopbackWorkers()
    engine = JavaEngine(beam, server, f"run-{run_id}", workers, own)
    try:
        yield engine
    finally:
        engine.stop()
        server.close()
        own.close()
