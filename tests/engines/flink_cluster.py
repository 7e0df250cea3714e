"""A Flink cluster of two workers on this machine, from the jars that `make flink` lays out."""

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.beam.job_server import Program, command_of
from tests.pipeline.database_server import free_port

TASK_MANAGERS = 2
_START_SECONDS = 90
_POLL_SECONDS = 0.3
_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_WORKER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"

# What Flink's own start script works out for a worker; a worker that is started without it must be told.
_MEMORY = {
    "cpu.cores": "1",
    "memory.task.heap.size": "512m",
    "memory.task.off-heap.size": "0m",
    "memory.managed.size": "128m",
    "memory.network.min": "256m",
    "memory.network.max": "256m",
    "memory.framework.heap.size": "128m",
    "memory.framework.off-heap.size": "128m",
    "memory.jvm-metaspace.size": "256m",
    "memory.jvm-overhead.min": "192m",
    "memory.jvm-overhead.max": "192m",
}


@dataclass(frozen=True)
class FlinkCluster:
    """A cluster that runs."""

    rest: str

    def finished_jobs(self) -> int:
        """Jobs that ended well so far."""
        return int(asked(self.rest)["jobs-finished"])


@contextmanager
def flink_cluster(program: Program, folder: Path) -> Iterator[FlinkCluster]:
    """The cluster, until the block ends; its logs are in the folder."""
    rpc, rest = free_port(), free_port()
    conf = folder / "conf"
    conf.mkdir(parents=True)
    # The jars are on the workers' own class path as well as in each job, and must be one.
    settings = {
        "jobmanager.rpc.address": "localhost",
        "jobmanager.rpc.port": rpc,
        "jobmanager.memory.process.size": "1024m",
        "rest.address": "localhost",
        "rest.port": rest,
        "classloader.resolve-order": "parent-first",
        "taskmanager.host": "localhost",
        "taskmanager.numberOfTaskSlots": 1,
        **{f"taskmanager.{key}": value for key, value in _MEMORY.items()},
    }
    lines = [f"{key}: {value}" for key, value in settings.items()]
    (conf / "config.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with ExitStack() as stack:
        stack.enter_context(started(program, ["-Xmx512m"], _MANAGER, conf, folder / "manager.log"))
        for number in range(TASK_MANAGERS):
            log = folder / f"worker-{number}.log"
            stack.enter_context(started(program, ["-Xmx640m"], _WORKER, conf, log))
        wait_for_workers(f"localhost:{rest}")
        yield FlinkCluster(f"localhost:{rest}")


@contextmanager
def started(program: Program, options: list[str], main: str, conf: Path, log: Path) -> Iterator[None]:
    """One of Flink's processes, until the block ends."""
    with log.open("wb") as stream:
        line = [*command_of(program, main, options), "--configDir", str(conf)]
        process = subprocess.Popen(line, stdout=stream, stderr=stream)
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_for_workers(rest: str) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        try:
            if asked(rest)["taskmanagers"] == TASK_MANAGERS:
                return
        except urllib.error.URLError:
            # Not up yet; that it never comes up is told below.
            pass
        time.sleep(_POLL_SECONDS)
    raise TimeoutError(f"no {TASK_MANAGERS} workers at {rest} in {_START_SECONDS} s")


def asked(rest: str) -> dict[str, int]:
    with urllib.request.urlopen(f"http://{rest}/overview", timeout=10) as answer:
        found: dict[str, int] = json.load(answer)
        return found
