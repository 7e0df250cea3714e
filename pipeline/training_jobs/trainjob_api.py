"""TrainJobs of Kubeflow Trainer v2: what one looks like, and the few calls of the Kubernetes API that it takes.

Source: github.com/kubeflow/trainer, pkg/apis/trainer/v1alpha1. The Role in deploy/trainjob allows these calls alone.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from kubernetes import client, config
from urllib3.exceptions import HTTPError

from pipeline.config.environment import Resources
from schema.errors import InputError, PipelineError

GROUP, VERSION, PLURAL = "trainer.kubeflow.org", "v1alpha1", "trainjobs"
# The TrainingRuntime in deploy/trainjob: volumes, and how often a training starts again.
RUNTIME = "pipeline-training"
PORT = 2222
_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_NOT_FOUND = 404
_PASSING = (429, 500, 502, 503, 504)
_REASONS = {401: "who this pod is was not accepted", 403: "this pod's service account may not do that"}


class UnreachableError(PipelineError):
    """The Kubernetes API does not answer now; it may later."""


@dataclass(frozen=True)
class JobEnd:
    """How a TrainJob ended."""

    failed: bool
    message: str


def manifest(name: str, count: int, image: str, resources: Resources, job: Path) -> dict[str, Any]:
    """A TrainJob whose pods, `count` of them, train as the job's file says."""
    # JobSet names the pods of a TrainJob so; Kubernetes gives each of them that name in the job's own subdomain.
    workers = [f"{name}-node-0-{index}.{name}:{PORT}" for index in range(count)]
    trainer: dict[str, Any] = {
        "image": image,
        "command": ["python", "-m", "models.entrypoints.pod_worker"],
        "args": ["--job", str(job), "--workers", ",".join(workers)],
        "numNodes": count,
    }
    limits = _limits(resources)
    if limits:
        trainer["resourcesPerNode"] = {"limits": limits, "requests": dict(limits)}
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "TrainJob",
        "metadata": {"name": name, **_owner()},
        "spec": {"runtimeRef": {"apiGroup": GROUP, "kind": "TrainingRuntime", "name": RUNTIME}, "trainer": trainer},
    }


def _limits(resources: Resources) -> dict[str, str]:
    return {
        **({"cpu": f"{resources.cpu:g}"} if resources.cpu else {}),
        **({"memory": resources.memory} if resources.memory else {}),
        **({resources.gpu_type: str(resources.gpus)} if resources.gpus else {}),
    }


def _owner() -> dict[str, Any]:
    """Has Kubernetes delete the TrainJob with the pod that made it; Kubeflow Pipelines tells a node's pod who it is."""
    name, uid = os.environ.get("KFP_POD_NAME"), os.environ.get("KFP_POD_UID")
    if not name or not uid:
        return {}
    return {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}]}


class TrainJobs:
    """The TrainJobs of a namespace."""

    def __init__(self, api: client.CustomObjectsApi, namespace: str) -> None:
        self._api = api
        self._place = {"group": GROUP, "version": VERSION, "namespace": namespace, "plural": PLURAL}

    @classmethod
    def of_this_cluster(cls) -> Self:
        """Those of the cluster and namespace that this pod is in; of the kubeconfig's context where there is one.

        Raises:
            InputError: if this is no pod and there is no kubeconfig.
        """
        if _NAMESPACE.is_file():
            config.load_incluster_config()
            return cls(client.CustomObjectsApi(), _NAMESPACE.read_text(encoding="utf-8").strip())
        file = os.environ.get("KUBECONFIG")
        try:
            config.load_kube_config(file)
            _, active = config.list_kube_config_contexts(file)
        except config.ConfigException as error:
            raise InputError(f"training.workers: no Kubernetes cluster to train on: {error}") from None
        return cls(client.CustomObjectsApi(), active["context"].get("namespace", "default"))

    def running(self, name: str) -> bool:
        """Whether there is one of this name that has not ended."""
        found = self._get(name)
        return found is not None and _end(found) is None

    def ended(self, name: str) -> JobEnd | None:
        """How it ended; None while it runs.

        Raises:
            PipelineError: if there is none any more.
        """
        found = self._get(name)
        if found is None:
            raise PipelineError(f"training: somebody deleted the TrainJob {name} before it had ended")
        return _end(found)

    def replace(self, wanted: Mapping[str, Any], poll_seconds: float) -> None:
        """Makes a TrainJob, after one of the same name that has ended is gone."""
        name = wanted["metadata"]["name"]
        if self._get(name) is not None:
            self._call("delete", self._api.delete_namespaced_custom_object, name=name)
            while self._get(name) is not None:
                time.sleep(poll_seconds)
        self._call("create", self._api.create_namespaced_custom_object, body=dict(wanted))

    def _get(self, name: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._call("get", self._api.get_namespaced_custom_object, name=name)
        return found

    def _call(self, verb: str, function: Any, **arguments: Any) -> Any:
        try:
            return function(**self._place, **arguments)
        except HTTPError as error:
            raise UnreachableError(f"training: the Kubernetes API cannot be reached: {error}") from error
        except client.ApiException as error:
            if verb == "get" and error.status == _NOT_FOUND:
                return None
            if error.status in _PASSING:
                raise UnreachableError(f"training: the Kubernetes API answers {error.status} {error.reason}") from error
            told = _REASONS.get(error.status, error.reason)
            raise PipelineError(
                f"training: Kubernetes did not {verb} a TrainJob in namespace {self._place['namespace']}: {told} "
                f"({error.status}). Kubeflow Trainer v2 and deploy/trainjob have to be applied there."
            ) from error


def _end(found: Mapping[str, Any]) -> JobEnd | None:
    for condition in found.get("status", {}).get("conditions", []):
        if condition["status"] == "True" and condition["type"] in ("Complete", "Failed"):
            return JobEnd(condition["type"] == "Failed", condition.get("message", ""))
    return None
