"""Beam's job server for Flink or Spark: found, checked, started for a run, and ended with it.

A job server is a Java program that takes Beam's portable pipelines to an engine: to one inside itself, or to a cluster.
"""

import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.beam import Beam
from pipeline.config.pipeline_config import ROOT
from schema.errors import InputError

# Where `make flink` and `make spark` lay the job servers' jars.
LAID_OUT = ROOT / ".tools" / "job_server"

_MAIN = {
    "flink": "org.apache.beam.runners.flink.FlinkJobServerDriver",
    "spark": "org.apache.beam.runners.spark.SparkJobServerDriver",
}
# Of one that holds all, and of one that stands among its parts: the engine's version, then Beam's.
_RUNNER_JAR = re.compile(r"beam-runners-(?:flink|spark)-([0-9.]+?)(?:-job-server)?-([0-9]+\.[0-9]+\.[0-9]+)\.jar")
_JAVA_VERSION = re.compile(r'version "(?:1\.)?([0-9]+)')
_OLDEST_JAVA = 11
# What the engines reach into; Java 17 refuses it otherwise (Spark's `JavaModuleOptions`, which holds Flink's as well).
_OPENED = (
    *(f"java.base/java.{name}" for name in ("io", "lang", "lang.invoke", "lang.reflect", "net", "nio", "util")),
    *(f"java.base/java.util.{name}" for name in ("concurrent", "concurrent.atomic")),
    *(f"java.base/sun.{name}" for name in ("nio.ch", "nio.cs", "util.calendar")),
)
# A shell ends Java when its own input ends: by `close`, or because this process is gone, however that came about.
_UNTIL_INPUT_ENDS = '"$@" </dev/null & read -r _; kill $! 2>/dev/null; wait'
_START_SECONDS = 60.0
_POLL_SECONDS = 0.1
_CONNECT_SECONDS = 5.0


@dataclass(frozen=True)
class Program:
    """A job server that can be started: Java, its class path, and the versions of the engine and of Beam."""

    java: str
    class_path: str
    engine_version: str
    beam_version: str


def find_program(beam: Beam) -> Program:
    """The job server of a Beam section that names none that runs.

    Raises:
        InputError: if Java or the jars are absent or unfit, with the line that mends it.
    """
    place = Path(beam.job_server).expanduser() if beam.job_server else LAID_OUT / beam.runner
    java = _java(beam.runner)
    if not place.exists():
        raise InputError(
            f"beam.runner: {beam.runner} needs Beam's job server. Nothing is at {place}. `make {beam.runner}` lays it "
            "there (with Maven); or set beam.job_server to its jar, or to host:port of one that runs"
        )
    jars = [place] if place.is_file() else sorted(place.glob("*.jar"))
    found = next((match for jar in jars if (match := _RUNNER_JAR.fullmatch(jar.name))), None)
    if found is None or f"-{beam.runner}-" not in found[0]:
        raise InputError(
            f"beam.job_server: expected a jar beam-runners-{beam.runner}-<version>.jar, with its parts in the same "
            f"folder, or beam-runners-{beam.runner}-<version>-job-server-<version>.jar. Received: {place}"
        )
    return Program(java, str(place) if place.is_file() else f"{place}/*", found[1], found[2])


def _java(runner: str) -> str:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if java is None:
        where = f"JAVA_HOME, {home}," if home else "PATH"
        raise InputError(
            f"beam.runner: {runner} needs Java {_OLDEST_JAVA} or later, and {where} has none. "
            "sudo apt-get install -y openjdk-17-jre-headless"
        )
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = _JAVA_VERSION.search(said)
    if version is None or int(version[1]) < _OLDEST_JAVA:
        told = said.partition("\n")[0] or "nothing"
        raise InputError(f"beam.runner: {runner} needs Java {_OLDEST_JAVA} or later. {java} -version said: {told}")
    return java


def check_listens(key: str, address: str) -> None:
    """Refuses an address at which nothing listens.

    Args:
        key: of the configuration, for the message.
        address: host:port.

    Raises:
        InputError: naming key and address.
    """
    if not _listens(address):
        raise InputError(f"{key}: nothing listens at {address}")


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS):
            return True
    except OSError:
        return False


class JobServer:
    """A run's job server: one that runs already, or one that is started when a node first asks for it.

    Args:
        beam: the environment's section; its runner is flink or spark.
        log: file for what the Java program prints.
        cores: of the engine inside the job server.
    """

    def __init__(self, beam: Beam, log: Path, cores: int) -> None:
        self._beam, self._log, self._cores = beam, log, cores
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._address = beam.job_server_address

    @property
    def known_address(self) -> str | None:
        """host:port, unless it would have to be started first."""
        return self._address

    def address(self) -> str:
        """host:port at which it takes jobs.

        Raises:
            InputError: if it does not start; with the last line that it printed.
        """
        with self._lock:
            if self._address is None:
                self._address = self._start()
            return self._address

    def close(self) -> None:
        """Ends it, if it was started here."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()

    def _start(self) -> str:
        program, port = find_program(self._beam), _free_port()
        with self._log.open("ab") as log:
            # Of its own session, so that Ctrl-C does not end it below a node that still has to be told so.
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _UNTIL_INPUT_ENDS, "sh", *command(self._beam, program, port, self._cores)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self._listening(f"localhost:{port}", self._process.poll)

    def _listening(self, address: str, ended: Callable[[], int | None]) -> str:
        end = time.monotonic() + _START_SECONDS
        while not _listens(address):
            if ended() is not None or time.monotonic() > end:
                lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["nothing"]
                raise InputError(f"beam.runner: the job server did not start. It printed last: {lines[-1]}")
            time.sleep(_POLL_SECONDS)
        return address


def command(beam: Beam, program: Program, port: int, cores: int) -> list[str]:
    """The command line that starts the job server at a port."""
    master = {
        "flink": ["--flink-master", beam.master or "[local]"],
        "spark": ["--spark-master-url", beam.master or f"local[{cores}]"],
    }
    ports = ["--job-port", str(port), "--artifact-port", "0", "--expansion-port", "0"]
    return [*command_of(program, _MAIN[beam.runner]), "--job-host", "localhost", *ports, *master[beam.runner]]


def command_of(program: Program, main: str, options: Sequence[str] = ()) -> list[str]:
    """The command line of a main class among the jars, without its arguments; `options` are Java's."""
    opened = [f"--add-opens={module}=ALL-UNNAMED" for module in _OPENED]
    return [program.java, *options, *opened, "-cp", program.class_path, main]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        port: int = listener.getsockname()[1]
        return port
