"""This process and those it has started, as the kernel's /proc tells of them."""

import os
import signal
import time
from pathlib import Path

_PROC = Path("/proc")
# In /proc/<pid>/stat, counted from the state that follows the command's closing bracket.
_PARENT, _START = 1, 19


def started() -> float:
    """The time.monotonic() at which this process began; now, where the kernel does not tell."""
    now = time.monotonic()
    stat = _stat(os.getpid())
    if not stat:
        return now
    ticks_a_second = os.sysconf("SC_CLK_TCK")
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(stat[_START]) / ticks_a_second
    return now - max(age, 0.0)


def descendants() -> list[int]:
    """Ids of the living processes that this one has started, and of those that they have started."""
    children: dict[int, list[int]] = {}
    for pid in _pids():
        stat = _stat(pid)
        if stat and stat[0] != "Z":
            children.setdefault(int(stat[_PARENT]), []).append(pid)
    found, open_ends = [], [os.getpid()]
    while open_ends:
        below = children.get(open_ends.pop(), [])
        found += below
        open_ends += below
    return found


def kill_descendants() -> None:
    """Ends every process that this one has started."""
    for pid in descendants():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            # It ended by itself in the meantime.
            continue


def _pids() -> list[int]:
    return [int(path.name) for path in _PROC.iterdir() if path.name.isdigit()] if _PROC.is_dir() else []


def _stat(pid: int) -> list[str]:
    """The fields after the command's name, which may hold spaces; none if the process is gone."""
    try:
        return (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
