"""What a measurement ran on: hardware, system and versions, and nothing that names the machine or its owner."""

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("tfx", "tensorflow", "apache-beam", "tensorflow-model-analysis", "tensorflow-transform", "tf-keras")
_GIBIBYTE = 1 << 30


@dataclass(frozen=True)
class Machine:
    """Cores, processor, memory in GiB, operating system, Python, and the versions of what is measured."""

    cores: int
    processor: str
    memory_gib: float
    system: str
    python: str
    versions: dict[str, str]


def describe() -> Machine:
    """This machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIBIBYTE
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        processor=_field(Path("/proc/cpuinfo"), ":", "model name") or platform.machine(),
        memory_gib=round(memory, 1),
        system=_field(Path("/etc/os-release"), "=", "PRETTY_NAME").strip('"') or platform.system(),
        python=platform.python_version(),
        versions={name: version(name) for name in PACKAGES},
    )


def _field(path: Path, separator: str, name: str) -> str:
    """The value of the first line `name<separator>value`; empty if there is none."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    pairs = (line.partition(separator) for line in lines)
    return next((value.strip() for key, _, value in pairs if key.strip() == name), "")
