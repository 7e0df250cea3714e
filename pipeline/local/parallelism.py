"""How much of a run goes on at the same time: nodes, and the workers of a node's Beam pipelines."""

import os
from dataclasses import dataclass

from pipeline.beam.workers import Workers, chosen_workers
from pipeline.config.pipeline_config import Config
from pipeline.local.preflight import find_data

# Of the graph's nodes no more than two that take long are independent of each other.
_NODES = 2


@dataclass(frozen=True)
class Parallelism:
    """Nodes that run at the same time at most, and the workers of each Beam pipeline."""

    nodes: int
    workers: Workers


def parallelism(config: Config) -> Parallelism:
    """As the environment says, else what fits the data and this machine's cores."""
    cores = len(os.sched_getaffinity(0))
    environment = config.environment
    nodes = environment.local.parallel_nodes or min(_NODES, cores)
    return Parallelism(nodes, chosen_workers(environment.beam, raw_bytes(config), cores))


def raw_bytes(config: Config) -> int:
    """Size of the raw files of the run's window; 0 for a sample, of which only few rows are worked on.

    Raises:
        InputError: if there is no data in the window.
    """
    if config.sample_rows is not None:
        return 0
    return sum(path.stat().st_size for files in find_data(config).values() for path in files)
