"""The terminal belongs to the summary: everything that libraries print goes to the run's log."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pipeline.local_runner import NodeResult
from reports.summary import node_line


@contextmanager
def captured(log: Path) -> Iterator[TextIO]:
    """Sends file descriptors 1 and 2 to the log, C++ output included; yields the terminal that was there."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with log.open("a", encoding="utf-8") as stream, os.fdopen(os.dup(1), "w", encoding="utf-8") as terminal:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        try:
            yield terminal
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, descriptor in enumerate(kept, start=1):
                os.dup2(descriptor, number)
                os.close(descriptor)


class NodeLines:
    """A live line a node: on a terminal it shows what is running, elsewhere only what has ended."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal, self._live = terminal, terminal.isatty()
        self.started = time.monotonic()

    def __call__(self, node: str, result: NodeResult | None) -> None:
        """Writes the line of a node that begins (None) or has ended."""
        if result is None:
            if self._live:
                self._write(f"\r  … {node}", end="")
            return
        line = node_line(node, result.status, result.seconds)
        self._write(f"\r\033[K{line}" if self._live else line)

    def _write(self, text: str, end: str = "\n") -> None:
        self._terminal.write(text + end)
        self._terminal.flush()
