"""A PostgreSQL or MariaDB server of a test's own, from Debian's packages, on a free port in a folder of its own."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.metadata.health_check import probe

USER, DATABASE = "mlmd", "metadata"
# What a connection string and SQL take amiss unless it is quoted.
PASSWORD = r"it's a \ pass word"
PATIENCE_SECONDS = 60
# Servers refuse to run as root.
_AS_NOBODY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
_POSTGRESQL = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]


def missing(store: str) -> str:
    """Why there can be no such server here; empty if there can."""
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return "servers refuse to run as root, and there is no setpriv to run them as another user"
    if store == "postgresql":
        return "" if _POSTGRESQL else "no /usr/lib/postgresql/*/bin: apt-get install postgresql"
    needed = [program for program in ("mariadb-install-db", "mariadbd") if not _program(program)]
    return f"no {', '.join(needed)}: apt-get install mariadb-server" if needed else ""


@dataclass
class Server:
    """A server with a database and a user, who has to give a password."""

    store: str
    folder: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Starts it, again if need be, at the same port, and waits until it answers."""
        until = time.monotonic() + PATIENCE_SECONDS
        while self.process is None or probe(self.store, "127.0.0.1", self.port, 1):
            if time.monotonic() > until:
                raise TimeoutError((self.folder / "log").read_text(encoding="utf-8"))
            if self.process is None or self.process.poll() is not None:
                # Anew if it ended: PostgreSQL refuses as long as backends of one that was killed have not noticed.
                self.process = self._begin()
            time.sleep(0.05)

    def _begin(self) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                _as_nobody(self._command()), stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )

    def kill(self) -> None:
        """Ends it as a power cut would, if it has not ended."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def settings(self, **changed: Any) -> dict[str, Any]:
        """The `metadata` section that leads here."""
        given = {"store": self.store, "host": "127.0.0.1", "port": self.port, "database": DATABASE, "user": USER}
        return {**given, **changed}

    def flags(self, **changed: Any) -> list[str]:
        """The same, for a command line."""
        return [
            part for key, value in self.settings(**changed).items() for part in ("--set", f"metadata.{key}={value}")
        ]

    def make(self) -> None:
        """Makes the cluster, the user and the database."""
        give(self.folder / "password", PASSWORD)
        if self.store == "postgresql":
            _run(
                [f"{_POSTGRESQL[0]}/initdb", "-D", "data", "-U", USER, "--pwfile=password", "-A", "scram-sha-256"],
                self.folder,
            )
            single = [f"{_POSTGRESQL[0]}/postgres", "--single", "-D", "data", "postgres"]
            _run(single, self.folder, f"CREATE DATABASE {DATABASE}\n")
            return
        install = [_program("mariadb-install-db"), "--no-defaults", f"--datadir={self.folder}/data"]
        _run([*install, "--auth-root-authentication-method=normal", "--skip-test-db"], self.folder)
        quoted = PASSWORD.replace("\\", r"\\").replace("'", r"\'")
        give(
            self.folder / "start.sql",
            f"CREATE DATABASE IF NOT EXISTS {DATABASE};\n"
            f"CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{quoted}';\n"
            f"GRANT ALL ON {DATABASE}.* TO '{USER}'@'%';\n",
        )

    def _command(self) -> list[str]:
        if self.store == "postgresql":
            given = ["-D", "data", "-p", str(self.port), "-c", "listen_addresses=127.0.0.1"]
            return [f"{_POSTGRESQL[0]}/postgres", *given, "-c", f"unix_socket_directories={self.folder}"]
        given = [f"--datadir={self.folder}/data", f"--socket={self.folder}/socket", f"--pid-file={self.folder}/pid"]
        own = [f"--port={self.port}", "--bind-address=127.0.0.1", f"--init-file={self.folder}/start.sql"]
        return [_program("mariadbd"), "--no-defaults", *given, *own, "--skip-name-resolve"]


@contextmanager
def running(store: str) -> Iterator[Server]:
    """A new server, which is gone at the end.

    Its folder is not below pytest's, which another user may not enter, and whose paths are too long for a socket.
    """
    with tempfile.TemporaryDirectory() as folder:
        server = Server(store, Path(folder), free_port())
        _chown(server.folder)
        try:
            server.make()
            server.start()
            yield server
        finally:
            server.kill()


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def _program(name: str) -> str:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") or ""


def _as_nobody(command: list[str]) -> list[str]:
    return [*_AS_NOBODY, *command] if os.geteuid() == 0 else command


def give(path: Path, text: str) -> None:
    """Writes a file that the server may read, and no other user."""
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")
    _chown(path)


def _chown(path: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, "nobody", "nogroup")


def _run(command: list[str], folder: Path, told: str | None = None) -> None:
    done = subprocess.run(
        _as_nobody(command), cwd=folder, input=told, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
