"""A command in a process of its own, with the memory of its whole process tree sampled while it runs."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from schema.errors import InputError

EVERY_SECONDS = 0.2
_GRACE_SECONDS = 20.0
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Sample:
    """Resident memory of a process tree, in MiB, at a time in seconds since the epoch."""

    time: float
    mebibytes: float


@dataclass(frozen=True)
class Finished:
    """A process that has ended: when it began (seconds since the epoch), how long it took, and its memory."""

    started: float
    seconds: float
    code: int
    samples: tuple[Sample, ...]
    log: Path

    @property
    def peak(self) -> float:
        """The largest memory of the whole tree that was seen, in MiB."""
        return max((sample.mebibytes for sample in self.samples), default=float("nan"))

    def peak_between(self, start: float, end: float) -> float:
        """The largest memory from `start` to `end`, in MiB; a moment too short for a sample takes the one before."""
        within = [sample.mebibytes for sample in self.samples if start <= sample.time <= end]
        before = [sample.mebibytes for sample in self.samples if sample.time < start][-1:]
        return max(within or before, default=float("nan"))


def run(command: Sequence[str], log: Path, folder: Path, accepted: Iterable[int] = (0,)) -> Finished:
    """Runs the command in `folder` to its end; what it prints goes to `log`.

    Raises:
        InputError: if it ends with another exit code than those accepted; names the log.
        KeyboardInterrupt: once the command has ended too.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as stream:
        started, clock = time.time(), time.monotonic()
        # A session of its own: the terminal's Ctrl-C then comes to it through us, once.
        process = subprocess.Popen(command, cwd=folder, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True)
        samples: list[Sample] = []
        try:
            _watch(process, samples)
        except KeyboardInterrupt:
            _end(process)
            raise
    seconds = time.monotonic() - clock
    if process.returncode not in accepted:
        raise InputError(f"{_shown(command)} ended with exit code {process.returncode}. Its output is in {log}")
    return Finished(started, seconds, process.returncode, tuple(samples), log)


def _shown(command: Sequence[str]) -> str:
    return " ".join(["python", *command[1:]])


def _watch(process: "subprocess.Popen[bytes]", samples: list[Sample]) -> None:
    while True:
        samples.append(Sample(time.time(), tree_mebibytes(process.pid)))
        try:
            process.wait(EVERY_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Interrupts the process and all that it started, lets them clean up, and kills what does not end."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def tree_mebibytes(root: int) -> float:
    """Resident memory of a process and of all below it, in MiB; pages that several share count for each of them."""
    return sum(_resident(process) for process in _tree(root)) * _PAGE / _MEBIBYTE


def _tree(root: int) -> list[int]:
    found, waiting = [], [root]
    while waiting:
        process = waiting.pop()
        found.append(process)
        waiting += _children(process)
    return found


def _children(process: int) -> list[int]:
    children: list[int] = []
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        children += [int(child) for child in _read(file).split()]
    return children


def _resident(process: int) -> int:
    fields = _read(Path(f"/proc/{process}/statm")).split()
    return int(fields[1]) if fields else 0


def _read(path: Path) -> str:
    """The file's text; empty if its process has ended meanwhile."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return ""
