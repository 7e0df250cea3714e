"""Runs `run_local.py` as a person would, and reads what it left."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS = 600
# One variant a way of making it; the others are in tests/edge.
VARIANTS = ("float32", "float16", "dynamic_int8", "int8", "pruned_int8")
# Flags of the sample problem on its real data.
FLIGHTS = (
    "--quick",
    *("--data", str(ROOT / "data" / "nyc_flights")),
    *("--set", f"device.variants=[{', '.join(VARIANTS)}]"),
)


@dataclass(frozen=True)
class Run:
    """One finished run: its exit code, what it printed, the folder it wrote to, and the run's own folder in there."""

    code: int
    stdout: str
    stderr: str
    output: Path
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        # Now: other tests run in the same output folder later.
        object.__setattr__(self, "folder", (self.output / "runs" / "latest").resolve())

    @property
    def record(self) -> dict[str, Any]:
        """What `run.json` says."""
        content: dict[str, Any] = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        return content

    @property
    def statuses(self) -> dict[str, str]:
        """Status of each node."""
        return {node["id"]: node["status"] for node in self.record["nodes"]}

    def artifact(self, node: str, key: str) -> Path:
        """The newest artifact that a node has written under a key."""
        return max((self.output / "artifacts" / node / key).iterdir(), key=lambda path: int(path.name))


def run_local(output: Path, *flags: str, project: Path = ROOT) -> Run:
    """Runs to the end."""
    done = subprocess.run(
        command(output, *flags, project=project),
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return Run(done.returncode, done.stdout, done.stderr, output)


def command(output: Path, *flags: str, project: Path = ROOT) -> list[str]:
    """The command line of a run."""
    return [sys.executable, str(project / "run_local.py"), "--output", str(output), *flags]


def environment() -> dict[str, str]:
    """This process's environment, without what would turn the project's folder aside."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
