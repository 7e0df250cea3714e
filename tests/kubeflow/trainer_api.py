"""A Kubernetes API with Kubeflow Trainer, as far as the Trainer's node can tell: it checks strictly, and runs the pods.

Who asks is refused what the Role in deploy/trainjob does not allow. A TrainJob has to fit the types of Kubeflow Trainer
and to name the TrainingRuntime there; its pods are processes of this machine, whose exit codes are answered as that
runtime's policies say.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import kubeflow_trainer_api.models as types
import yaml

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = ROOT / "deploy" / "trainjob"
NAMESPACE = "kubeflow"
PREFIX = f"/apis/trainer.kubeflow.org/v1alpha1/namespaces/{NAMESPACE}/trainjobs"
_VERBS = {"GET": "get", "POST": "create", "DELETE": "delete"}

Json = dict[str, Any]


class UnfitError(ValueError):
    """A manifest that the API server would not take."""


def read(name: str) -> Json:
    """A manifest under deploy/trainjob."""
    found: Json = yaml.safe_load((MANIFESTS / name).read_text(encoding="utf-8"))
    return found


def checked(body: Json, kind: type[Any]) -> Json:
    """The manifest, if it is of the kind and has no key that the kind does not have.

    Raises:
        UnfitError: saying what is wrong.
    """
    try:
        # The types drop what they do not know, so that what is left is what they know.
        known = kind.from_dict(body).to_dict()
    except ValueError as error:
        raise UnfitError(str(error)) from None
    if known != body:
        raise UnfitError(f"unknown keys: expected {json.dumps(known)}. Received: {json.dumps(body)}")
    return body


@dataclass
class Job:
    """A TrainJob, the thread that runs its pods, and the exit codes of each attempt."""

    body: Json
    pods: list[subprocess.Popen[bytes]] = field(default_factory=list)
    attempts: list[list[int]] = field(default_factory=list)
    deleted: bool = False
    thread: threading.Thread | None = None

    def finish(self, kind: str, message: str) -> None:
        """Sets the condition that says how it ended."""
        self.body["status"] = {"conditions": [{"type": kind, "status": "True", "message": message}]}


class TrainerApi:
    """The server, its TrainJobs by name, and what it was asked, as (verb, status)."""

    def __init__(self, rules: list[Json], logs: Path) -> None:
        self.rules, self.logs = rules, logs
        self.jobs: dict[str, Job] = {}
        self.asked: list[tuple[str, int]] = []
        # Answers to give before any true one, such as those of a server that is being replaced.
        self.failing: list[int] = []
        self._runtime = checked(read("training_runtime.yaml"), types.TrainerV1alpha1TrainingRuntime)

    def answer(self, method: str, path: str, body: Json | None) -> tuple[int, Json]:
        """Status and body of a response."""
        status, found = self._answer(_VERBS.get(method, method), path, body)
        self.asked.append((_VERBS.get(method, method), status))
        return status, found

    def _answer(self, verb: str, path: str, body: Json | None) -> tuple[int, Json]:
        if self.failing:
            return self.failing.pop(0), {"message": "later"}
        if not path.startswith(PREFIX):
            return HTTPStatus.NOT_FOUND, {"message": f"no {path}"}
        if not any(
            "trainer.kubeflow.org" in r["apiGroups"] and "trainjobs" in r["resources"] and verb in r["verbs"]
            for r in self.rules
        ):
            return HTTPStatus.FORBIDDEN, {"message": f"may not {verb}"}
        name = path.removeprefix(PREFIX).strip("/")
        if verb == "create":
            return self._create(body or {})
        if name not in self.jobs:
            return HTTPStatus.NOT_FOUND, {"message": f"no {name}"}
        if verb == "delete":
            self.stop(self.jobs.pop(name))
            return HTTPStatus.OK, {"status": "Success"}
        return HTTPStatus.OK, self.jobs[name].body

    def _create(self, body: Json) -> tuple[int, Json]:
        try:
            checked(body, types.TrainerV1alpha1TrainJob)
        except UnfitError as error:
            return HTTPStatus.UNPROCESSABLE_ENTITY, {"message": str(error)}
        reference = body["spec"]["runtimeRef"]
        if (reference["kind"], reference["name"]) != (self._runtime["kind"], self._runtime["metadata"]["name"]):
            return HTTPStatus.UNPROCESSABLE_ENTITY, {"message": f"no runtime {reference}"}
        name = body["metadata"]["name"]
        if name in self.jobs:
            return HTTPStatus.CONFLICT, {"message": f"there is a {name}"}
        job = self.jobs[name] = Job(body)
        job.thread = threading.Thread(target=self._run, args=(job,), daemon=True)
        job.thread.start()
        return HTTPStatus.CREATED, body

    def _run(self, job: Job) -> None:
        """Runs attempts until one is whole, or the runtime's policies say that it is over."""
        spec = self._runtime["spec"]["template"]["spec"]
        (replicated,) = spec["replicatedJobs"]
        (rule,) = replicated["template"]["spec"]["podFailurePolicy"]["rules"]
        while not job.deleted:
            codes = self._attempt(job)
            job.attempts.append(codes)
            failed = [code for code in codes if code > 0]
            if not any(codes):
                return job.finish("Complete", "jobset completed successfully")
            if any(code in rule["onExitCodes"]["values"] for code in failed):
                return job.finish("Failed", "jobset failed due to one or more job failures")
            if len(job.attempts) > spec["failurePolicy"]["maxRestarts"]:
                return job.finish("Failed", "jobset failed due to reaching max number of restarts")
        return None

    def _attempt(self, job: Job) -> list[int]:
        """Exit codes of the pods; as soon as one fails the others are ended, as with their job."""
        trainer = job.body["spec"]["trainer"]
        ports, arguments = free_ports(trainer["numNodes"]), "\n".join([*trainer["command"], *trainer["args"]])
        name = job.body["metadata"]["name"]
        for index, port in enumerate(ports):
            arguments = arguments.replace(f"{name}-node-0-{index}.{name}:2222", f"127.0.0.1:{port}")
        command = [sys.executable, *arguments.splitlines()[1:]]
        for index in range(trainer["numNodes"]):
            log = (self.logs / f"{name}-{len(job.attempts)}-{index}.log").open("wb")
            with log:
                environment = {**os.environ, "JOB_COMPLETION_INDEX": str(index)}
                pod = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
            job.pods.append(pod)
        pods = job.pods[-trainer["numNodes"] :]
        while any(pod.poll() is None for pod in pods):
            if job.deleted or any(pod.poll() for pod in pods):
                # What has ended by itself says why.
                codes = [pod.poll() or 0 for pod in pods]
                for pod in pods:
                    pod.kill()
                    pod.wait()
                return codes
            time.sleep(0.05)
        return [pod.returncode for pod in pods]

    def stop(self, job: Job) -> None:
        """Ends a job's pods."""
        job.deleted = True
        for pod in job.pods:
            pod.kill()
        if job.thread is not None:
            job.thread.join()

    def log(self) -> str:
        """What all pods have printed."""
        return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in sorted(self.logs.glob("*.log")))


def free_ports(count: int) -> list[int]:
    """Ports of the loopback device that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


@contextmanager
def served(folder: Path, rules: list[Json] | None = None) -> Iterator[tuple[TrainerApi, Path]]:
    """The API, and a kubeconfig that leads to it; its pods are gone when the block ends."""
    logs = folder / "pods"
    logs.mkdir(parents=True)
    api = TrainerApi(read("role.yaml")["rules"] if rules is None else rules, logs)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(api))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(kubeconfig(server.server_address[1])), encoding="utf-8")
    try:
        yield api, file
    finally:
        server.shutdown()
        server.server_close()
        for job in api.jobs.values():
            api.stop(job)


def kubeconfig(port: int) -> Mapping[str, Any]:
    """A kubeconfig of the server on this port."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "node", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "node", "namespace": NAMESPACE}}],
    }


def _handler(api: TrainerApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _respond(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, found = api.answer(self.command, self.path, body)
            content = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = _respond  # noqa: N815 (the names are http.server's)

        def log_message(self, *arguments: Any) -> None:
            """Keeps the tests' output to the tests."""

    return Handler


def kill(pod: subprocess.Popen[bytes]) -> None:
    """As a machine that is lost."""
    pod.send_signal(signal.SIGKILL)
