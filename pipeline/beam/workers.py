"""Who does the work of a Beam pipeline on this machine: one worker, threads or processes."""

from dataclasses import dataclass

from pipeline.config.beam import Beam

# Raw bytes from which threads pay: below, they are as fast as one worker or slower by what it takes to start them. They
# meet in Python's lock, so more than a few wait for each other.
THREAD_BYTES = 8 << 20
_MOST_THREADS = 4

# Raw bytes from which processes pay, where there are more cores than threads can use. A process imports TensorFlow and
# TFX first, for every node: 12 s on two cores, where threads took 0.06 s for a megabyte of CSV.
PROCESS_BYTES = 2 << 30


@dataclass(frozen=True)
class Workers:
    """Who does the work of a Beam pipeline: one in this process, so many threads of it, or so many processes."""

    running_mode: str = "in_memory"
    count: int = 1


def chosen_workers(beam: Beam, raw_bytes: int, cores: int) -> Workers:
    """Kind and number of a Beam pipeline's workers: as configured, else as fits.

    Args:
        beam: the environment's section.
        raw_bytes: size of the raw files that the run works on.
        cores: that this process may use.
    """
    if beam.is_java:
        # An engine inside the job server has its Python workers as threads of this process.
        return Workers("multi_threading", beam.workers or min(cores, _MOST_THREADS))
    configured = beam.running_mode is not None or beam.workers is not None
    if not configured and (cores == 1 or raw_bytes < THREAD_BYTES):
        return Workers()
    large = raw_bytes >= PROCESS_BYTES and cores > _MOST_THREADS
    several = "multi_processing" if large else "multi_threading"
    mode = beam.running_mode or ("in_memory" if beam.workers == 1 else several)
    most = {"in_memory": 1, "multi_threading": min(cores, _MOST_THREADS), "multi_processing": cores}
    return Workers(mode, beam.workers or most[mode])


def configured_workers(beam: Beam) -> Workers:
    """Workers as configured, for a machine of which nothing is known yet: one where nothing is said."""
    mode = beam.running_mode or ("multi_threading" if (beam.workers or 1) > 1 else "in_memory")
    return Workers(mode, beam.workers or 1)
