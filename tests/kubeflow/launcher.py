"""Kubeflow Pipelines' driver and launcher as far as a task can tell: what they hand it, and what they read back.

After kubeflow/pipelines, backend/src/v2: driver/driver.go, component/launcher_v2.go, metadata/client.go, and the cache
key of cacheutils/cache.go. Artifacts live in a folder that stands for a bucket; a task sees only what is copied.
"""

import hashlib
import json
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import celpy
import yaml
from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.kubeflow import sandbox

Json = dict[str, Any]

# Runs a command with folders by the path at which it sees them, writes a log into a folder, and returns the exit code.
Container = Callable[[Sequence[str], Mapping[str, Path], Path], int]

# Of a task, whose driver has seven letters more.
_ARGO_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,120}")


class RefusedError(Exception):
    """What a cluster would have refused, or failed at."""


@dataclass
class Done:
    """A task that has ended: `ran`, `cached`, `skipped` or `failed`, with its output artifacts by key."""

    status: str
    outputs: dict[str, Json] = field(default_factory=dict)
    log: Path | None = None

    def printed(self) -> str:
        """What it printed."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log else ""


class Cluster:
    """A namespace with a bucket, persistent volumes and a cache, which outlive a run."""

    def __init__(self, folder: Path, volumes: Mapping[str, Path], run: Container = sandbox.run) -> None:
        self.folder, self.volumes, self.run_container = folder, volumes, run
        self.bucket = folder / "bucket"
        self._cache: dict[str, dict[str, Json]] = {}
        self._ids = iter(range(1, 10**6))
        self._runs = iter(range(1, 10**6))

    def run(self, text: str, root: str, *, last: str | None = None) -> dict[str, Done]:
        """Runs a compiled pipeline, up to the task `last` if one is given; stops at the first task that fails.

        Raises:
            RefusedError: as soon as something is refused.
        """
        spec, platform = documents(text)
        checked(spec)
        number = next(self._runs)
        done: dict[str, Done] = {}
        tasks = spec["root"]["dag"]["tasks"]
        for name in in_order(tasks):
            upstream = [done[producer].status for producer in tasks[name].get("dependentTasks", [])]
            if any(status in ("skipped", "failed") for status in upstream):
                done[name] = Done("skipped")
                continue
            done[name] = Task(self, spec, platform, name, root, number).run(done)
            if done[name].status == "failed" or name == last:
                break
        return done

    def stored(self, uri: str) -> Path:
        """Where the bucket has the files of a URI."""
        return self.bucket / uri.partition("://")[2]


def documents(text: str) -> tuple[Json, Json]:
    """The spec and the document for Kubernetes, as strictly as the API server reads them."""
    found = list(yaml.safe_load_all(text))
    if not 1 <= len(found) <= 2:
        raise RefusedError(f"expected a spec and at most one platform document. Received: {len(found)}")
    platform = found[1] if len(found) > 1 else {}
    config = platform.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {}).get("executors", {})
    for executor in config.values():
        json_format.ParseDict(executor, kubernetes_executor_config_pb2.KubernetesExecutorConfig())
    return found[0], platform


def checked(spec: Json) -> None:
    """Refuses what the API server and Argo would."""
    if not spec.get("schemaVersion", "").startswith("2.1"):
        raise RefusedError(f"schema version {spec.get('schemaVersion')} is not supported")
    message = json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    deployment = json_format.MessageToDict(message.deployment_spec)
    json_format.ParseDict(deployment, pipeline_spec_pb2.PipelineDeploymentConfig())
    for name, task in spec["root"]["dag"]["tasks"].items():
        if not _ARGO_NAME.fullmatch(name):
            raise RefusedError(f"task '{name}': not a name for Argo")
        found = spec["deploymentSpec"]["executors"][spec["components"][name]["executorLabel"]]
        if "resolver" in found:
            raise RefusedError(f"task '{name}': resolver is not supported")
        if "importer" in found and task.get("triggerPolicy", {}).get("condition"):
            raise RefusedError(f"task '{name}': a condition on an importer is not supported")


def in_order(tasks: Json) -> Iterator[str]:
    """Names of tasks, each after those that it depends on."""
    yield from TopologicalSorter({name: task.get("dependentTasks", []) for name, task in tasks.items()}).static_order()


class Task:
    """One task of one run."""

    def __init__(self, cluster: Cluster, spec: Json, platform: Json, name: str, root: str, run: int) -> None:
        self.cluster, self.name = cluster, name
        self.task = spec["root"]["dag"]["tasks"][name]
        self.component = spec["components"][self.task["componentRef"]["name"]]
        self.label = self.component["executorLabel"]
        self.container = spec["deploymentSpec"]["executors"][self.label]["container"]
        self.platform = platform
        self.place = f"{root}/{spec['pipelineInfo']['name']}/run-{run}/{name}/{uuid.uuid4()}"
        self.folder = cluster.folder / "tasks" / f"{run}-{name}"

    def run(self, done: Mapping[str, Done]) -> Done:
        """Runs it, or takes its outputs from the cache."""
        execution = {"inputs": self.inputs(done)}
        condition = self.task.get("triggerPolicy", {}).get("condition")
        if condition and not holds(condition, execution):
            return Done("skipped")
        execution["outputs"] = self.outputs()
        key = self.cache_key(execution)
        if self.task.get("cachingOptions", {}).get("enableCache") and key in self.cluster._cache:
            return Done("cached", self.cluster._cache[key])
        found = self.launched(execution)
        if found.status == "ran":
            self.cluster._cache[key] = found.outputs
        return found

    def inputs(self, done: Mapping[str, Done]) -> Json:
        """What the driver resolves. A type of an input artifact it does not know."""
        parameters = {}
        for key, given in self.task.get("inputs", {}).get("parameters", {}).items():
            if "runtimeValue" not in given or "constant" not in given["runtimeValue"]:
                raise RefusedError(f"task '{self.name}': parameter '{key}': unknown producer task in {given}")
            parameters[key] = given["runtimeValue"]["constant"]
        artifacts = {}
        for key, given in self.task.get("inputs", {}).get("artifacts", {}).items():
            source = given["taskOutputArtifact"]
            made = done[source["producerTask"]].outputs[source["outputArtifactKey"]]
            session = json.dumps({"Provider": "s3", "Params": {"fromEnv": "true"}})
            metadata = {**made["metadata"], "display_name": key, "store_session_info": session}
            artifacts[key] = {"artifacts": [{**made, "type": {"instanceSchema": ""}, "metadata": metadata}]}
        return {"parameterValues": parameters, "artifacts": artifacts}

    def outputs(self) -> Json:
        """What the driver provides, an output for logs among them."""
        artifacts = {
            key: {
                "artifacts": [
                    {
                        "name": key,
                        "type": declared["artifactType"],
                        "uri": f"{self.place}/{key}",
                        "metadata": declared.get("metadata", {}),
                    }
                ]
            }
            for key, declared in self.component.get("outputDefinitions", {}).get("artifacts", {}).items()
        }
        logs = {"name": "executor-logs", "type": {"schemaTitle": "system.Artifact"}}
        artifacts["executor-logs"] = {"artifacts": [{**logs, "uri": f"{self.place}/executor-logs"}]}
        return {"artifacts": artifacts, "outputFile": f"{local(self.place)}/output_metadata.json"}

    def cache_key(self, execution: Json) -> str:
        """Digest of parameters, names of input artifacts, declared outputs and the container; no content of a file."""
        inputs = execution["inputs"]
        names = {key: [one["name"] for one in found["artifacts"]] for key, found in inputs["artifacts"].items()}
        container = [self.container["image"], *self.container.get("command", []), *self.container.get("args", [])]
        declared = self.component.get("outputDefinitions", {})
        return hashlib.sha256(
            json.dumps([inputs["parameterValues"], names, declared, container], sort_keys=True).encode()
        ).hexdigest()

    def launched(self, execution: Json) -> Done:
        """Copies inputs down, runs the command in a fresh file system, reads the output file, copies outputs up."""
        schemes = {"/s3": self.folder / "s3"}
        for folder in schemes.values():
            folder.mkdir(parents=True)
        for found in execution["inputs"]["artifacts"].values():
            for artifact in found["artifacts"]:
                copy_files(self.cluster.stored(artifact["uri"]), self.seen(artifact["uri"]))
        for found in execution["outputs"]["artifacts"].values():
            for artifact in found["artifacts"]:
                self.seen(artifact["uri"]).parent.mkdir(parents=True, exist_ok=True)
        told = json.dumps(execution)
        command = [*self.container["command"], *self.container.get("args", [])]
        log = self.folder / sandbox.LOG
        command = [part.replace("{{$}}", told) for part in command]
        code = self.cluster.run_container(command, {**schemes, **self.mounts()}, self.folder)
        if code:
            return Done("failed", log=log)
        return Done("ran", self.published(execution), log)

    def mounts(self) -> dict[str, Path]:
        """The persistent volumes that the platform document names."""
        executors = self.platform.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {})
        config = executors.get("executors", {}).get(self.label, {})
        return {mount["mountPath"]: self.cluster.volumes[mount["constant"]] for mount in config.get("pvcMount", [])}

    def seen(self, uri: str) -> Path:
        """Where this machine has what the task sees at a URI's local path."""
        return self.folder / local(uri).removeprefix("/")

    def published(self, execution: Json) -> dict[str, Json]:
        """The outputs as the metadata store keeps them."""
        file = self.folder / execution["outputs"]["outputFile"].removeprefix("/")
        written = pipeline_spec_pb2.ExecutorOutput()
        if file.is_file():
            try:
                json_format.Parse(file.read_text(encoding="utf-8"), written)
            except json_format.ParseError as error:
                raise RefusedError(f"task '{self.name}': {file.name}: {error}") from None
        told = json_format.MessageToDict(written)
        made = {}
        for key, found in execution["outputs"]["artifacts"].items():
            (artifact,) = found["artifacts"]
            (reported,) = told.get("artifacts", {}).get(key, {}).get("artifacts", [{}])
            uri = reported.get("uri") or artifact["uri"]
            if not uri.startswith(f"{self.place}/"):
                raise RefusedError(f"task '{self.name}': output '{key}' is not below its own URI: {uri}")
            metadata = {**artifact.get("metadata", {}), **reported.get("metadata", {})}
            copy_files(self.seen(uri), self.cluster.stored(uri))
            made[key] = {
                "name": str(next(self.cluster._ids)),
                "uri": uri,
                "metadata": {name: stored(self.name, name, value) for name, value in metadata.items()},
            }
        return made


def stored(task: str, name: str, value: Any) -> Any:
    """A property as ML Metadata gives it back: a bool as a number, a number as a double."""
    if value is None:
        raise RefusedError(f"task '{task}': property '{name}' is null")
    return float(value) if isinstance(value, bool | int | float) else value


def local(uri: str) -> str:
    """The launcher's local path of a URI."""
    scheme, _, rest = uri.partition("://")
    return f"/{scheme}/{rest}"


def copy_files(source: Path, target: Path) -> None:
    """Copies files, as object stores hold them: a folder without a file is not there afterwards."""
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    for path in source.rglob("*") if source.is_dir() else ():
        if path.is_file():
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)


def holds(condition: str, execution: Json) -> bool:
    """Whether a CEL condition on the task's inputs is true.

    Raises:
        RefusedError: if it names what is not there.
    """
    environment = celpy.Environment()
    program = environment.program(environment.compile(condition))
    try:
        return bool(program.evaluate({"inputs": celpy.json_to_cel(execution["inputs"])}))
    except celpy.CELEvalError as error:
        raise RefusedError(f"condition {condition}: {error}") from None
