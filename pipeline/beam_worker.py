"""Starts Python workers for a Flink or Spark cluster, on each of its machines: `python -m pipeline.beam_worker`.

The engine asks at this port for a worker when a job begins. Each machine must see the run's output folder, and the raw
data, at the same paths as the machine on which `run_local.py` runs.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer

from pipeline.config import ROOT

DEFAULT_PORT = 50000


class WorkerPool(BeamFnExternalWorkerPoolServicer):
    """Beam's pool, for engines of which several share a machine."""

    def StopWorker(self, stop_worker_request: Any, unused_context: Any) -> Any:  # noqa: N802, ARG002 (gRPC names it so)
        """Leaves the worker alone, which ends by itself when its engine hangs up.

        The name says not which worker is meant: each engine calls its first one `1-1`, and one would end another's.
        """
        return beam_fn_api_pb2.StopWorkerResponse()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.beam_worker", description=__doc__, allow_abbrev=False)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="where the engine asks for workers")
    chosen = parser.parse_args(arguments)
    # Beam starts whatever `python` the PATH has. If that is another, no worker comes up, and jobs wait for ever.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    logging.basicConfig(level=logging.INFO)
    _, server = WorkerPool.start(use_process=True, port=chosen.port)
    try:
        server.wait_for_termination()
    except KeyboardInterrupt:
        # Beam ends the workers as this process ends.
        sys.exit(130)


if __name__ == "__main__":
    main()
