"""Beam's arguments for an environment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.beam.workers import Workers, configured_workers
from pipeline.config.beam import Beam, Dataflow
from pipeline.config.environment import Environment
from pipeline.config.pipeline_config import ROOT

# Beam's `DirectRunner` of today first tries to download another runner's binary from the network.
_DIRECT = "--runner=pipeline.beam.lossless_runner.LosslessRunner"
# The workers are of this machine, or have the project already, and need no package. Where nothing says how workers come
# by TFX, it packs its own source anew for every Beam node, two seconds each.
_NO_PACKAGE = "--sdk_container_image=none"


def graph_arguments(environment: Environment) -> list[str]:
    """Arguments that are part of the graph, and so of every node's cache key.

    A container gets no others, so what an environment of Kubeflow says of workers is among them. A local run is told
    its engine and workers beside the graph: who does the work has no bearing on its result.
    """
    beam = environment.beam
    if environment.is_local:
        return [_DIRECT, _NO_PACKAGE]
    if beam.runner == "dataflow":
        return dataflow_arguments(beam.dataflow, beam.workers)
    return [_DIRECT, *worker_arguments(configured_workers(beam)), _NO_PACKAGE]


def worker_arguments(workers: Workers) -> list[str]:
    """Arguments for so many workers of that kind on this machine."""
    return [f"--direct_running_mode={workers.running_mode}", f"--direct_num_workers={workers.count}"]


def engine_arguments(beam: Beam, job_server: str, job_name: str, workers: Workers, pool: str) -> list[str]:
    """Arguments for Flink or Spark.

    Args:
        beam: the environment's section.
        job_server: host:port of Beam's job server.
        job_name: what the engine calls the jobs.
        workers: of an engine inside the job server; a cluster has its own number where beam.workers says none.
        pool: host:port at which the engine finds Python workers.
    """
    place = ["--environment_type=EXTERNAL", f"--environment_config={pool}"]
    # Spark goes by its cores, and knows no such option.
    count = beam.workers if beam.is_cluster else workers.count
    parallelism = [f"--parallelism={count}"] if beam.runner == "flink" and count else []
    # Without package: as everywhere. The last runner counts, so that this one stands above the graph's.
    return ["--runner=PortableRunner", f"--job_endpoint={job_server}", f"--job_name={job_name}", *place, *parallelism]


def dataflow_arguments(dataflow: Dataflow, workers: int | None) -> list[str]:
    """Arguments for Dataflow, with `workers` at most; its second runner alone takes an image of one's own."""
    return [
        "--runner=DataflowRunner",
        f"--project={dataflow.project}",
        f"--region={dataflow.region}",
        f"--temp_location={dataflow.temp_location}",
        f"--sdk_container_image={dataflow.image}",
        # What is in the image is not installed again on every worker.
        "--sdk_location=container",
        "--experiments=use_runner_v2",
        *([f"--machine_type={dataflow.machine_type}"] if dataflow.machine_type else []),
        *([f"--max_num_workers={workers}"] if workers else []),
    ]


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
