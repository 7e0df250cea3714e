"""What would fail later, on a cluster, said now: each rule a small function with a message of its own."""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from models.training.training_options import Training
from pipeline.config.beam import Beam
from pipeline.config.environment import Environment, Kubeflow
from pipeline.config.metadata import MetadataStore
from pipeline.config.node_names import OPTIONAL_NODES
from pipeline.config.pipeline_config import Containers
from pipeline.kubeflow.container_entrypoint import FOLDERS
from pipeline.kubeflow.spec_patches import Spec, executor, tasks

# Argo Workflows names a task so, with 128 letters at most (workflow/validate/validate.go, `workflowFieldNameFmt`), of
# which Kubeflow takes 7 for the `-driver` of each task.
_TASK_LETTERS = 128 - len("-driver")
_TASK = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
# The whole graph's, among Kubeflow's components (backend/src/v2/compiler/visitor.go, `RootComponentName`).
_ROOT = "root"
# Of one argument; Linux, MAX_ARG_STRLEN. The execution as JSON is one, and has the URIs of all artifacts beside this.
_ARGUMENT_BYTES = 128 << 10
_URIS_BYTES = 16 << 10
_PYTHONS = ((3, 11),)
# As Vertex AI names them: NVIDIA_TESLA_T4, NVIDIA_L4, TPU_V3.
_VERTEX_ACCELERATOR = re.compile(r"(NVIDIA|TPU)_[A-Z0-9_]+")
_KUBERNETES_ACCELERATOR = re.compile(r"[a-z0-9.-]+/[a-zA-Z0-9._-]+")


@dataclass(frozen=True)
class Subject:
    """What is checked: the compiled spec, where it will run, and with what."""

    spec: Spec
    target: str
    image: str
    root: str
    kubeflow: Kubeflow
    beam: Beam
    training: Training
    containers: Containers


def unfit_nodes(nodes: Sequence[Any]) -> Iterator[str]:
    """Refuses nodes that TFX does not compile for Kubeflow, and says so with a traceback."""
    for node in nodes:
        if type(node).__name__ == "InfraValidator":
            yield (
                f"node '{node.id}': InfraValidator does not compile for Kubeflow Pipelines v2. "
                "ServingValidator checks the same: that the model can be served"
            )


def metadata_stores(environment: Environment) -> Iterator[str]:
    """Refuses a metadata store: the one that nodes write to is the platform's."""
    if environment.metadata != MetadataStore():
        yield (
            "metadata: Kubeflow Pipelines and Vertex AI keep the metadata themselves; these keys are for run_local.py. "
            f"Received: store {environment.metadata.store}"
        )


def task_names(subject: Subject) -> Iterator[str]:
    """Refuses names of tasks that Argo or Kubeflow's compiler does not take."""
    for name in tasks(subject.spec):
        if not _TASK.fullmatch(name) or len(name) > _TASK_LETTERS:
            yield (
                f"node '{name}': Argo Workflows takes letters, digits and hyphens, a letter first, "
                f"{_TASK_LETTERS} at most. Give it another name with .with_id('CamelCase')"
            )
        elif name == _ROOT:
            yield (
                f"node '{name}': Kubeflow Pipelines calls the whole graph so. "
                "Give it another name with .with_id('CamelCase')"
            )


def resolvers(subject: Subject) -> Iterator[str]:
    """Refuses resolvers: open-source Kubeflow does not run a pipeline that has one."""
    for name in tasks(subject.spec):
        if "resolver" in executor(subject.spec, name):
            yield f"node '{name}': Kubeflow Pipelines has no resolvers. LatestPushedModel finds the last release"


def importers(subject: Subject) -> Iterator[str]:
    """Refuses importers of a path on this machine, and conditions on an importer."""
    for name, task in tasks(subject.spec).items():
        found = executor(subject.spec, name).get("importer")
        if found is None:
            continue
        uri = found.get("artifactUri", {}).get("constant", "")
        if "://" not in str(uri):
            yield f"node '{name}': an importer needs a URI that containers can read. Received: '{uri}'"
        if task.get("triggerPolicy", {}).get("condition"):
            yield f"node '{name}': an importer cannot stand under a condition (Cond) on Kubeflow Pipelines"


def dynamic_parameters(subject: Subject) -> Iterator[str]:
    """Refuses `.future().value` as a parameter: TFX names a producer that is not there."""
    for name, task in tasks(subject.spec).items():
        for key, value in task.get("inputs", {}).get("parameters", {}).items():
            producer = value.get("taskOutputParameter", {}).get("producerTask")
            if producer is not None and producer not in tasks(subject.spec):
                yield (
                    f"node '{name}': parameter '{key}' is another node's value (.future().value), which Kubeflow "
                    f"looks for at '{producer}', a task that is not there. Pass the artifact and read it"
                )


def images(subject: Subject) -> Iterator[str]:
    """Refuses a missing image."""
    if not subject.image:
        yield "--image: needed, with this project in it. docs/kubeflow.md says how it is built"


def pythons(subject: Subject) -> Iterator[str]:
    """Refuses to compile with a Python that TFX's runtime does not have."""
    del subject
    if sys.version_info[:2] not in _PYTHONS:
        known = ", ".join(f"{major}.{minor}" for major, minor in _PYTHONS)
        yield f"Python {sys.version_info[0]}.{sys.version_info[1]}: the image has {known}, and so must what compiles"


def roots(subject: Subject) -> Iterator[str]:
    """Refuses a pipeline root that the target has no storage for."""
    scheme, found, _ = subject.root.partition("://")
    if not found or scheme not in FOLDERS:
        yield (
            f"--pipeline-root: expected one of {', '.join(f'{name}://' for name in FOLDERS)}bucket/folder. "
            f"Received: '{subject.root}'"
        )
    elif subject.target == "vertex" and scheme != "gs":
        yield f"--pipeline-root: Vertex AI keeps artifacts in gs://. Received: '{subject.root}'"


def storages(subject: Subject) -> Iterator[str]:
    """Refuses an environment in which no container would see the data."""
    kubeflow = subject.kubeflow
    if subject.target == "vertex":
        if kubeflow.volumes:
            yield "kubeflow.volumes: Vertex AI mounts no persistent volumes; it has gs:// buckets below /gcs"
        return
    if not kubeflow.storage:
        yield "kubeflow.storage: needed, a folder on a volume in which nodes find data and leave releases"
    elif not any(_within(kubeflow.storage, volume.path) for volume in kubeflow.volumes):
        mounted = ", ".join(volume.path for volume in kubeflow.volumes) or "none"
        yield f"kubeflow.storage: '{kubeflow.storage}' is on no volume. Mounted by kubeflow.volumes: {mounted}"


def _within(path: str, folder: str) -> bool:
    return f"{path.rstrip('/')}/".startswith(f"{folder.rstrip('/')}/")


def argument_sizes(subject: Subject) -> Iterator[str]:
    """Refuses parameters that no command line can hold: a container would not start."""
    for name, task in tasks(subject.spec).items():
        held = json.dumps(task.get("inputs", {}).get("parameters", {}))
        arguments = executor(subject.spec, name).get("container", {}).get("args", [])
        largest = max([len(held.encode()) + _URIS_BYTES, *(len(argument.encode()) for argument in arguments)])
        if largest > _ARGUMENT_BYTES:
            yield (
                f"node '{name}': its parameters take {largest >> 10} KiB of a command line, "
                f"of which Linux allows {_ARGUMENT_BYTES >> 10}. A long schema or list of classes is the usual cause"
            )


def accelerators(subject: Subject) -> Iterator[str]:
    """Refuses a type of accelerator that the target does not know by that name."""
    kubeflow = subject.kubeflow
    fits = _VERTEX_ACCELERATOR if subject.target == "vertex" else _KUBERNETES_ACCELERATOR
    example = "NVIDIA_TESLA_T4" if subject.target == "vertex" else "nvidia.com/gpu"
    for place, wanted in [("resources", kubeflow.resources), *((f"nodes.{n}", r) for n, r in kubeflow.nodes.items())]:
        if wanted.gpus and not fits.fullmatch(wanted.gpu_type):
            yield f"kubeflow.{place}.gpu_type: expected such as {example}. Received: '{wanted.gpu_type}'"


def engines(subject: Subject) -> Iterator[str]:
    """Refuses Beam runners whose workers see nothing of what a node's container has."""
    runner = subject.beam.runner
    if subject.beam.is_java:
        yield (
            f"beam.runner: {runner}'s workers do not see a node's artifacts, which lie in folders of its container. "
            "Choose direct"
        )
    elif runner == "dataflow" and subject.target != "vertex":
        yield "beam.runner: dataflow is for --target vertex"


def known_nodes(subject: Subject) -> Iterator[str]:
    """Refuses resources for a node that no graph has; an environment may name one that this problem does without."""
    for name in subject.kubeflow.nodes:
        if name not in tasks(subject.spec) and name not in OPTIONAL_NODES:
            yield f"kubeflow.nodes.{name}: no such node. Nodes: {', '.join(tasks(subject.spec))}"


def strategies(subject: Subject) -> Iterator[str]:
    """Refuses a cluster that nobody would start."""
    training = subject.training
    if training.strategy == "multi_worker_mirrored" and not (training.workers or training.local_workers):
        yield (
            "training.strategy: multi_worker_mirrored needs training.workers, the pods that train together, or "
            "training.local_workers, processes of the Trainer's one pod; nobody sets TF_CONFIG for a single one"
        )


def worker_pools(subject: Subject) -> Iterator[str]:
    """Refuses worker pools of no project or region, which are part of what is compiled, and one that is no cluster."""
    if subject.target == "vertex" and subject.training.workers:
        missing = [key for key in ("project", "location") if not getattr(subject.containers, key)]
        if missing:
            needed = " and ".join(f"--{key}" for key in missing)
            yield f"training.workers: {needed} needed, where Vertex AI makes the worker pools"
        if subject.training.workers == 1:
            yield (
                "training.workers: expected 2 or more, since Vertex AI names no cluster to a single machine. "
                "Received: 1. For the accelerators of one machine take training.strategy mirrored without it"
            )


RULES = (
    strategies,
    worker_pools,
    images,
    pythons,
    roots,
    storages,
    task_names,
    resolvers,
    importers,
    dynamic_parameters,
    argument_sizes,
    accelerators,
    engines,
    known_nodes,
)


def faults(subject: Subject) -> list[str]:
    """Everything that would fail later."""
    return [fault for rule in RULES for fault in rule(subject)]
