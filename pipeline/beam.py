"""Beam's arguments for an environment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.config import ROOT
from pipeline.environment import Environment
from pipeline.parallelism import Workers, configured_workers

# Beam's `DirectRunner` of today first tries to download another runner's binary from the network.
_RUNNERS = {"direct": "apache_beam.runners.portability.fn_api_runner.fn_runner.FnApiRunner"}


def graph_arguments(environment: Environment) -> list[str]:
    """Arguments that are part of the graph, and so of every node's cache key.

    A container gets no others, so what an environment of Kubeflow says of workers is among them.
    """
    beam = environment.beam
    workers = [] if environment.is_local else worker_arguments(configured_workers(beam))
    return [
        f"--runner={_RUNNERS[beam.runner]}",
        *workers,
        # The workers are of this machine and need no package. Where nothing says how workers come by TFX, it packs its
        # own source anew for every Beam node, two seconds each.
        "--sdk_container_image=none",
    ]


def worker_arguments(workers: Workers) -> list[str]:
    """Arguments for so many workers of that kind."""
    return [f"--direct_running_mode={workers.running_mode}", f"--direct_num_workers={workers.count}"]


@contextmanager
def importable_project() -> Iterator[None]:
    """Lets the worker processes that start in the meantime import this project, whatever the working directory is."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *([before] if before else [])])
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
