"""A live line a node."""

import time
from typing import TextIO

from pipeline.local_runner import NodeResult
from reports.summary import node_line


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
