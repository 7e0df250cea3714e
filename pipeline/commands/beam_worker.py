"""Starts Python workers for a Flink or Spark cluster, on each of its machines: `python -m pipeline beam-worker`.

The engine asks at this port for a worker when a job begins. Each machine must see the run's output folder, and the raw
data, at the same paths as the machine on which `run_local.py` runs. See pipeline.beam.worker_pool for who may ask.
"""

import argparse
import atexit
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.beam.worker_pool import DEFAULT_HOST, exposure, serve
from pipeline.config.pipeline_config import ROOT
from pipeline.local.shutdown import interruption_code, treat_sigterm_as_interruption
from schema.errors import InputError
from schema.failure import ended

DEFAULT_PORT = 50000
_LOG = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until it is ended; returns the exit code: 2 where it cannot listen, 130 interrupted, 143 terminated."""
    args = _options(arguments)
    # Beam starts whatever `python` the PATH has. If that is another, no worker comes up, and jobs wait for ever.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    logging.basicConfig(level=logging.INFO)
    try:
        server, pool, port = serve(args.host, args.port)
    except InputError as error:
        return ended(error, args.host)
    atexit.register(pool.end_workers)
    _LOG.info("listening for engines at %s, port %d", args.host, port)
    if (warning := exposure(args.host)) is not None:
        _LOG.warning(warning)
    try:
        server.wait_for_termination()
    except KeyboardInterrupt as error:
        return interruption_code(error)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pipeline beam-worker", description=__doc__, allow_abbrev=False)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="where the engine asks for workers")
    parser.add_argument(
        "--host", default=DEFAULT_HOST, help="address to listen at; 127.0.0.1, this machine alone, by default"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    # So that the workers end when this is asked to end, too.
    treat_sigterm_as_interruption()
    sys.exit(main())
