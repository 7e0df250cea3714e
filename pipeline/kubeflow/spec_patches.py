"""What TFX's compiled spec lacks for Kubeflow Pipelines: each mend a function of the spec as a dictionary.

TFX compiles for Vertex AI of some years ago. Spec: github.com/kubeflow/pipelines, api/v2alpha1/pipeline_spec.proto.
"""

import re
from collections.abc import Collection, Iterable
from typing import Any

from pipeline.config.environment import Kubeflow, Resources, Volume

Spec = dict[str, Any]

DRIVER = "pipeline.kubeflow.span_driver"

_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_DECIMAL = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "": 1}


def tasks(spec: Spec) -> dict[str, Any]:
    """The tasks of the root by name, which is the node's."""
    found: dict[str, Any] = spec["root"]["dag"]["tasks"]
    return found


def executor(spec: Spec, task: str) -> dict[str, Any]:
    """The executor of a task, which has one of `container`, `importer` and `resolver`."""
    label = spec["components"][tasks(spec)[task]["componentRef"]["name"]]["executorLabel"]
    found: dict[str, Any] = spec["deploymentSpec"]["executors"][label]
    return found


def run_driver(spec: Spec, task: str) -> None:
    """Has the container itself resolve the span of a file-based ExampleGen.

    TFX asks for a check before the cache is looked at, by a driver that knows of no window. Open-source Kubeflow never
    runs it.
    """
    container = executor(spec, task)["container"]
    container.pop("lifecycle", None)
    container["args"] = ["--driver", DRIVER, *container["args"]]


def name_conditions(spec: Spec) -> None:
    """Has conditions name an artifact as their task's inputs name it.

    TFX calls it `_Producer.key` also where the task has it as an input of another name, so that the condition is an
    error when it is looked at.
    """
    for task in tasks(spec).values():
        condition = task.get("triggerPolicy", {}).get("condition")
        if condition is None:
            continue
        for name, given in task["inputs"]["artifacts"].items():
            source = given["taskOutputArtifact"]
            implicit = f"_{source['producerTask']}.{source['outputArtifactKey']}"
            condition = condition.replace(f"['{implicit}']", f"['{name}']")
        task["triggerPolicy"]["condition"] = condition


def never_cached(spec: Spec, names: Iterable[str]) -> None:
    """Runs these tasks each time: what they read is in no artifact, and so not in the cache's key."""
    for name in names:
        tasks(spec)[name].pop("cachingOptions", None)


def add_retries(spec: Spec, kubeflow: Kubeflow) -> None:
    """Has each failed task tried again."""
    if kubeflow.retries:
        for task in tasks(spec).values():
            task["retryPolicy"] = {
                "maxRetryCount": kubeflow.retries,
                "backoffDuration": f"{kubeflow.retry_seconds}s",
                "backoffFactor": 2.0,
            }


def add_resources(spec: Spec, kubeflow: Kubeflow, waiting: Collection[str] = ()) -> None:
    """Limits each container to what its node may use; to what any may, where it waits for others that do its work."""
    for name in tasks(spec):
        found = executor(spec, name)
        wanted = kubeflow.resources if name in waiting else kubeflow.resources_of(name)
        if "container" in found and wanted != Resources():
            found["container"]["resources"] = _resources(wanted)


def _resources(wanted: Resources) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    if wanted.cpu is not None:
        limits["cpuLimit"] = wanted.cpu
    if wanted.memory is not None:
        # The field is a number of gigabytes.
        limits["memoryLimit"] = memory_bytes(wanted.memory) / 10**9
    if wanted.gpus:
        # Open-source Kubeflow takes the type for the name of a Kubernetes resource, Vertex AI for one of its own.
        limits["accelerator"] = {"type": wanted.gpu_type, "count": str(wanted.gpus)}
    return limits


def memory_bytes(quantity: str) -> float:
    """Bytes of an amount as Kubernetes writes it, such as 8Gi."""
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", quantity).groups()  # type: ignore[union-attr]
    return float(number) * (_BINARY | _DECIMAL)[unit]


def platform(spec: Spec, volumes: Iterable[Volume]) -> Spec | None:
    """The document for Kubernetes that goes with the spec: each container mounts each volume; None without volumes.

    Source: github.com/kubeflow/pipelines, kubernetes_platform/proto/kubernetes_executor_config.proto. `constant` is
    there for servers that do not know `pvcNameParameter` yet.
    """
    mounts = [
        {
            "constant": volume.claim,
            "pvcNameParameter": {"runtimeValue": {"constant": volume.claim}},
            "mountPath": volume.path,
        }
        for volume in volumes
    ]
    if not mounts:
        return None
    labels = [label for label, found in spec["deploymentSpec"]["executors"].items() if "container" in found]
    executors = {label: {"pvcMount": [dict(mount) for mount in mounts]} for label in sorted(labels)}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}
