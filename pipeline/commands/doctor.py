"""Says what does not fit on this machine, what would be right, and the line that mends it.

Run as `python -m pipeline doctor`. It needs the standard library alone, so that it also runs where nothing is
installed yet, and it imports none of the packages that it asks about.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import re
import shlex
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from schema.first_few import first_few

PYTHON = (3, 11)
OLDEST_GLIBC = (2, 31)
NEEDED_DISK_BYTES = 5 * 10**9
OPTIONAL_GROUPS = {
    "reference": "make reference",
    "notebook": "the page of profiles of make tensorboard",
    "dev": "make test and make lint",
}
COMPILED_PACKAGES = ("tensorflow", "tfx", "apache_beam", "tf_keras")
IN_A_CONTAINER = 'docker run --rm -it --platform linux/amd64 -v "$PWD":/src -w /src python:3.11-bookworm make run'

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)")
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")
_SHOWN_MISMATCHES = 3


class Mark(Enum):
    """How a check ended; FAIL alone makes the exit code 2."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


_COLORS = {Mark.OK: "32", Mark.WARN: "33", Mark.FAIL: "31;1"}


@dataclass(frozen=True)
class Finding:
    """What one check found; if it does not fit, also what would be right and the line that mends it."""

    subject: str
    mark: Mark
    found: str
    expected: str = ""
    mend: str = ""


def check_python(version: Sequence[int]) -> Finding:
    """The interpreter must be of the one minor version that the lock was made for."""
    found = ".".join(str(part) for part in version)
    if tuple(version[:2]) == PYTHON:
        return Finding("python", Mark.OK, found)
    wanted = ".".join(str(part) for part in PYTHON)
    mend = f"sudo apt-get install -y python{wanted} python{wanted}-venv && make doctor"
    return Finding("python", Mark.FAIL, found, f"Python {wanted}", mend)


def check_platform(system: str, machine: str) -> Finding:
    """The locked wheels exist for Linux on x86_64 alone."""
    found = f"{system} {machine}"
    if (system, machine) == ("Linux", "x86_64"):
        return Finding("platform", Mark.OK, found)
    return Finding("platform", Mark.FAIL, found, "Linux x86_64", IN_A_CONTAINER)


def check_glibc(library: str, version: str) -> Finding:
    """The C library must be glibc, no older than the wheels ask for.

    Args:
        library: its name, as platform.libc_ver gives it; empty if it is not glibc.
        version: such as "2.36".
    """
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if library == "glibc" and numbers >= OLDEST_GLIBC:
        return Finding("C library", Mark.OK, f"glibc {version}")
    oldest = ".".join(str(part) for part in OLDEST_GLIBC)
    expected = f"glibc {oldest} or later: Debian 11, Ubuntu 20.04 or newer"
    return Finding("C library", Mark.FAIL, f"{library or 'not glibc'} {version}".strip(), expected, IN_A_CONTAINER)


def check_cpu(flags: Iterable[str]) -> Finding:
    """TensorFlow's wheels use AVX instructions; without them the import ends in "Illegal instruction"."""
    if "avx" in flags:
        return Finding("processor", Mark.OK, "has AVX")
    expected = "an x86_64 processor with AVX"
    return Finding(
        "processor", Mark.FAIL, "no AVX", expected, "qemu-system-x86_64 -cpu host ... (in a virtual machine)"
    )


def check_packages(pins: Mapping[str, str], installed: Mapping[str, str], mend: str) -> Finding:
    """Every pinned package must be installed, in the pinned version.

    Args:
        pins: version by normalised name, from requirements.txt.
        installed: the same of what is installed.
        mend: the line that installs what is pinned.
    """
    if not pins:
        return Finding(
            "packages", Mark.FAIL, "no pins found", "requirements.txt in the project's root", "make requirements"
        )
    wrong = [
        f"{name} {installed[name]} (locked {pin})" if name in installed else f"{name} missing (locked {pin})"
        for name, pin in pins.items()
        if installed.get(name) != pin
    ]
    if not wrong:
        return Finding("packages", Mark.OK, f"{len(pins)} of {len(pins)} as locked")
    found = f"{len(wrong)} of {len(pins)} not as locked: {first_few(wrong, _SHOWN_MISMATCHES, ', ')}"
    return Finding("packages", Mark.FAIL, found, "the versions in requirements.txt", mend)


def check_group(group: str, wanted: Iterable[str], installed: Mapping[str, str], needed_by: str) -> Finding:
    """An optional group's packages, in any version; a missing one only warns.

    Args:
        group: its name in pyproject.toml.
        wanted: normalised names of its packages.
        installed: version by normalised name of what is installed.
        needed_by: the commands that do not run without it.
    """
    names = sorted(wanted)
    missing = [name for name in names if name not in installed]
    subject = f"group {group}"
    if not missing:
        return Finding(subject, Mark.OK, ", ".join(names))
    return Finding(subject, Mark.WARN, f"missing: {', '.join(missing)}", f"needed by {needed_by}", "make sync")


def check_bytecode(compiled: Mapping[str, bool], site_packages: str) -> Finding:
    """Installed packages should have their bytecode beside them, or every start compiles TFX anew (20 s).

    Args:
        compiled: by package, those that are installed.
        site_packages: the folder they are in.
    """
    uncompiled = [package for package, done in compiled.items() if not done]
    if not uncompiled:
        return Finding("bytecode", Mark.OK, "compiled" if compiled else "nothing installed yet")
    mend = f"python -m compileall -q -j 0 {shlex.quote(site_packages)}"
    return Finding("bytecode", Mark.WARN, f"not compiled: {', '.join(uncompiled)}", "compiled at install", mend)


def check_disk(free_bytes: int, folder: str) -> Finding:
    """The environment, the sample data and a few runs need room."""
    found = f"{free_bytes / 10**9:.1f} GB free"
    if free_bytes >= NEEDED_DISK_BYTES:
        return Finding("disk", Mark.OK, found)
    expected = f"{NEEDED_DISK_BYTES / 10**9:.0f} GB free in {folder}"
    return Finding("disk", Mark.WARN, found, expected, f"du -xh {shlex.quote(folder)} | sort -h | tail")


def note_size(cores: int, memory_bytes: int) -> Finding:
    """Cores and memory that this process may use; noted, never judged."""
    return Finding("machine", Mark.OK, f"{cores} cores, {memory_bytes / 10**9:.0f} GB of memory")


def normalise(name: str) -> str:
    """A package's name as the index compares it: lower case, runs of '-', '_' and '.' as one '-'."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse_pins(requirements: str) -> dict[str, str]:
    """Version by normalised name of every `name==version` line; markers, hashes and comments are passed over."""
    matches = (_PIN.match(line) for line in requirements.splitlines())
    return {normalise(match[1]): match[2] for match in matches if match}


def parse_group(pyproject: str, group: str) -> list[str]:
    """Normalised names of a dependency group of pyproject.toml; empty if there is no such group."""
    import tomllib  # absent before Python 3.11, where the check of Python must still be able to say so

    entries = tomllib.loads(pyproject).get("dependency-groups", {}).get(group, [])
    matches = (_NAME.match(entry) for entry in entries if isinstance(entry, str))
    return [normalise(match[0]) for match in matches if match]


def parse_cpu_flags(cpuinfo: str) -> list[str]:
    """The first processor's flags, from the text of /proc/cpuinfo."""
    match = re.search(r"^flags\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    return match[1].split() if match else []


def render(findings: Sequence[Finding], color: bool) -> str:
    """One aligned line a finding; below one that does not fit, what would be right and the line that mends it."""
    width = max(len(finding.subject) for finding in findings)
    lines: list[str] = []
    for finding in findings:
        mark = finding.mark.value.ljust(4)
        if color:
            mark = f"\033[{_COLORS[finding.mark]}m{mark}\033[0m"
        lines.append(f"{mark}  {finding.subject.ljust(width)}  {finding.found}")
        if finding.mark is not Mark.OK:
            lines.append(f"{'':{width + 8}}expected: {finding.expected}")
            lines.append(f"{'':{width + 8}}mend it:  {finding.mend}")
    return "\n".join([*lines, "", verdict(findings)])


def verdict(findings: Sequence[Finding]) -> str:
    """The last line: how many checks do not fit."""
    failed = sum(finding.mark is Mark.FAIL for finding in findings)
    warned = sum(finding.mark is Mark.WARN for finding in findings)
    if failed:
        return f"{failed} of {len(findings)} checks failed."
    return f"Everything needed fits; {warned} to look at." if warned else "Everything fits."


def exit_code(findings: Sequence[Finding]) -> int:
    """2 if a check failed, else 0; warnings do not count."""
    return 2 if any(finding.mark is Mark.FAIL for finding in findings) else 0


def examine(root: Path) -> list[Finding]:
    """Looks at this machine, this interpreter and the project in `root`."""
    installed = installed_packages()
    findings = [
        check_python(sys.version_info[:3]),
        check_platform(platform.system(), platform.machine()),
        check_glibc(*platform.libc_ver()),
        check_cpu(parse_cpu_flags(_read(Path("/proc/cpuinfo")))),
        check_packages(parse_pins(_read(root / "requirements.txt")), installed, _install_line(root)),
    ]
    if importlib.util.find_spec("tomllib"):
        pyproject = _read(root / "pyproject.toml")
        findings += [
            check_group(group, parse_group(pyproject, group), installed, needed_by)
            for group, needed_by in OPTIONAL_GROUPS.items()
        ]
    return [
        *findings,
        check_bytecode(have_bytecode(COMPILED_PACKAGES), sysconfig.get_path("purelib")),
        check_disk(shutil.disk_usage(root).free, str(root)),
        note_size(_cores(), _memory_bytes()),
    ]


def installed_packages() -> dict[str, str]:
    """Version by normalised name of what this interpreter can import."""
    distributions = list(importlib.metadata.distributions())
    # The first on the path is the one that is imported, so it must be the last one written.
    return {normalise(found.metadata["Name"]): found.version for found in reversed(distributions)}


def have_bytecode(packages: Iterable[str]) -> dict[str, bool]:
    """By package, whether its `__init__.py` has bytecode beside it; those not installed are left out."""
    specs = {package: importlib.util.find_spec(package) for package in packages}
    return {
        package: Path(importlib.util.cache_from_source(spec.origin)).exists()
        for package, spec in specs.items()
        if spec is not None and spec.origin is not None
    }


def main(arguments: Sequence[str]) -> int:
    """Prints the findings; 0 if everything needed fits, else 2."""
    about = "Says what does not fit on this machine, what would be right, and the line that mends it."
    argparse.ArgumentParser(prog="python -m pipeline doctor", description=about, allow_abbrev=False).parse_args(
        arguments
    )
    findings = examine(Path(__file__).resolve().parents[2])
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    sys.stdout.write(render(findings, color) + "\n")
    return exit_code(findings)


def _install_line(root: Path) -> str:
    if Path(sys.prefix) == root / ".venv" or sys.prefix == sys.base_prefix:
        return "make sync doctor"
    return f"{shlex.quote(sys.executable)} -m pip install --no-deps -r {shlex.quote(str(root / 'requirements.txt'))}"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
