"""How much of a run goes on at the same time: nodes, and the workers of a node's Beam pipelines."""

import os
from dataclasses import dataclass

from pipeline.config import Beam, Config
from pipeline.preflight import find_data

# Of the graph's nodes no more than two that take long are independent of each other.
_NODES = 2

# Raw bytes from which worker processes pay. Measured with 228 MB of CSV, two workers and two cores: ExampleGen took
# 20 s in this process and 27 s in two, 12 s of them before the first row, as each imports TensorFlow and TFX; a node
# held 2.5 GB instead of 0.9. Both would be even at some 0.6 GB, and other nodes gained less, hence a good deal more.
PARALLEL_BYTES = 2 << 30


@dataclass(frozen=True)
class Parallelism:
    """Nodes that run at the same time at most, and workers of each Beam pipeline; one is this process itself."""

    nodes: int
    workers: int


def parallelism(config: Config) -> Parallelism:
    """As the environment says, else what fits the data and this machine's cores."""
    cores = len(os.sched_getaffinity(0))
    environment = config.environment
    nodes = environment.local.parallel_nodes or min(_NODES, cores)
    return Parallelism(nodes, chosen_workers(environment.beam, raw_bytes(config), cores))


def chosen_workers(beam: Beam, raw_bytes: int, cores: int) -> int:
    """How many workers a Beam pipeline has: as configured, else one a core where the data is large enough.

    Args:
        beam: the environment's section.
        raw_bytes: size of the raw files that the run works on.
        cores: that this process may use.
    """
    if beam.workers is not None:
        return beam.workers
    return cores if raw_bytes >= PARALLEL_BYTES else 1


def raw_bytes(config: Config) -> int:
    """Size of the raw files of the run's window; 0 for a sample, of which only few rows are worked on.

    Raises:
        InputError: if there is no data in the window.
    """
    if config.sample_rows is not None:
        return 0
    return sum(path.stat().st_size for files in find_data(config).values() for path in files)
