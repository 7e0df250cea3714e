"""The most memory that a node held."""

import os
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pipeline.process.process_tree import descendants

_HIGH_WATER = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)
# Written to clear_refs, it sets the high-water mark to what is held now.
_RESET = "5"
# A child's mark stands until it ends, so what is lost is what it takes in its last moment.
_SAMPLE_SECONDS = 0.25


@dataclass
class _Peak:
    """MiB at most, so far: of this process, and of its child processes together."""

    own: float | None
    children: float = 0.0


class PeakMemory:
    """Resident memory at its highest, a node: this process's own, and its child processes' of that time.

    Whatever the process holds already when the node begins is part of it, libraries included. Nodes that run at the
    same time share the process, so each is said to hold what all of them hold.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._peaks: dict[str, _Peak] = {}
        self._over = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="peak-memory", daemon=True)

    def __enter__(self) -> Self:
        self._sampler.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._sampler.join()

    def begin(self, node: str) -> None:
        """Counts for this node from now on."""
        with self._lock:
            # The mark is one for all: what it says is kept for those that run before it is set back.
            self._note(high_water(os.getpid()))
            self._peaks[node] = _Peak(own=0.0 if _reset_high_water() else None)

    def end(self, node: str) -> float | None:
        """MiB that the node held at most; None where the kernel does not tell."""
        with self._lock:
            self._note(high_water(os.getpid()))
            self._note_children()
            peak = self._peaks.pop(node)
            return None if peak.own is None else peak.own + peak.children

    def _note(self, own: float | None) -> None:
        for peak in self._peaks.values():
            peak.own = None if own is None or peak.own is None else max(peak.own, own)

    def _note_children(self) -> None:
        if self._peaks:
            held = sum(high_water(pid) or 0.0 for pid in descendants())
            for peak in self._peaks.values():
                peak.children = max(peak.children, held)

    def _sample(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            with self._lock:
                self._note_children()


def high_water(pid: int) -> float | None:
    """MiB that the process held at most since its mark was set; None if the kernel does not tell."""
    try:
        found = _HIGH_WATER.search(Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    return int(found[1]) / 1024 if found else None


def _reset_high_water() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text(_RESET, encoding="utf-8")
    except OSError:
        return False
    return True
