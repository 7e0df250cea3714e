"""What run_kubeflow.py prints: the nodes with what they may use, what to know, and the file."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.config.environment import Resources
from pipeline.config.node_names import TRAINING_NODES
from pipeline.config.pipeline_config import Config
from pipeline.kubeflow.compiler import Compiled

TARGETS = {"oss": "Kubeflow Pipelines", "vertex": "Vertex AI Pipelines"}


def lines(config: Config, compiled: Compiled, image: str, target: str, file: Path) -> Iterator[str]:
    """The screen, a line at a time."""
    kubeflow, training = config.environment.kubeflow, config.environment.training
    yield config.problem.title
    yield f"  {config.name} for {TARGETS[target]}, environment {config.environment.name}"
    yield ""
    for name in compiled.nodes:
        several = _workers(config, name) if name in TRAINING_NODES and training.workers else ""
        again = "  runs each time" if name in compiled.uncached else ""
        yield f"  {name:<18}{several or _resources(kubeflow.resources_of(name)):<24}{again}".rstrip()
    yield ""
    yield f"  image     {image}"
    yield f"  artifacts {config.root}"
    yield f"  data      {config.data}, as nodes see it"
    yield f"  releases  {config.releases}, as nodes see it"
    for volume in kubeflow.volumes:
        yield f"  volume    claim '{volume.claim}' at {volume.path}"
    for warning in warnings(config, image):
        yield f"  warning   {warning}"
    yield f"  written   {file}, {len(compiled.nodes)} nodes, {file.stat().st_size / 1024:.0f} KB"
    yield "  next      the same command with --submit"


def warnings(config: Config, image: str) -> Iterator[str]:
    """What works, and may surprise."""
    name = image.rpartition("/")[2]
    if ":" not in name and "@" not in image:
        yield f"image '{image}' has no tag: 'latest' is another image tomorrow, while caching takes it for the same"
    if config.environment.beam.runner == "dataflow":
        yield "Dataflow's workers must see the bucket below /gcs, as nodes do: their image has to mount it. Not tested"
    training = config.environment.training
    if training.local_workers:
        yield f"training.local_workers: {training.local_workers} processes share the cores of the Trainer's one pod"
    if training.workers and config.environment.orchestrator == "kubeflow":
        yield "training.workers: needs Kubeflow Trainer v2 and deploy/trainjob in the namespace of the runs"
    if not config.environment.kubeflow.caching:
        yield "kubeflow.caching is off: each node runs each time"


def _workers(config: Config, node: str) -> str:
    """Who trains together."""
    environment = config.environment
    if environment.orchestrator == "vertex":
        return f"{environment.training.workers} x {environment.kubeflow.machine_type}"
    each = _resources(environment.kubeflow.resources_of(node))
    return f"{environment.training.workers} pods" + (f", {each} each" if each else "")


def _resources(wanted: Resources) -> str:
    parts = [
        f"{wanted.cpu:g} cores" if wanted.cpu is not None else "",
        wanted.memory or "",
        f"{wanted.gpus} x {wanted.gpu_type}" if wanted.gpus else "",
    ]
    return ", ".join(filter(None, parts))
