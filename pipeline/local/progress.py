"""What the terminal shows while a run goes on: what runs, and a live line a node."""

import threading
import time
from typing import TYPE_CHECKING, TextIO

from pipeline.config.pipeline_config import Config
from reports.terminal.summary import node_line
from schema.first_few import first_few

if TYPE_CHECKING:
    # Not at run time: it brings TensorFlow, and the header is there before that is loaded.
    from pipeline.local.node_result import NodeResult

_TICK_SECONDS = 1.0
_SHOWN_NODES = 2


def header(config: Config, run_id: str, engine: str | None = None) -> str:
    """What runs, and by which engine if it is not this process."""
    rows = "" if config.sample_rows is None else f", a sample of about {config.sample_rows:,} rows"
    window = "all spans" if str(config.window) == ":" else f"spans {config.window}"
    by = f"  {engine}\n" if engine else ""
    return f"{config.problem.title}\n  {config.problem.name}, {window}{rows}, run {run_id}\n{by}\n"


class LiveLine:
    """A last line that counts seconds on a terminal; elsewhere, as in a file, nothing shows until a line is final."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal, self._live = terminal, terminal.isatty()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def show(self, text: str, started: float | None = None) -> None:
        """Begins a live line, whose seconds count from `started`, a time.monotonic(), or from now."""
        self.clear()
        if self._live:
            self._stop.clear()
            since = time.monotonic() if started is None else started
            self._thread = threading.Thread(target=self._tick, args=(text, since), daemon=True)
            self._thread.start()

    def clear(self) -> None:
        """Removes the live line."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None
            self._write("\r\033[K")

    def settle(self, text: str) -> None:
        """Puts a final line in its place."""
        self.clear()
        self._write(f"{text}\n")

    def _tick(self, text: str, started: float) -> None:
        while True:
            self._write(f"\r\033[K  … {text:<27}{time.monotonic() - started:>7.0f} s")
            if self._stop.wait(_TICK_SECONDS):
                return

    def _write(self, text: str) -> None:
        self._terminal.write(text)
        self._terminal.flush()


class NodeLines:
    """A line a node when it has ended, below them one that names the nodes that run."""

    def __init__(self, terminal: TextIO) -> None:
        self._line = LiveLine(terminal)
        self._running: dict[str, float] = {}

    def __call__(self, node: str, result: "NodeResult | None") -> None:
        """Shows a node that begins (None) or has ended."""
        if result is None:
            self._running[node] = time.monotonic()
        else:
            self._running.pop(node, None)
            self._line.settle(node_line(node, result.status, result.seconds))
            for notice in result.notices:
                self._line.settle(f"    {notice}")
        if self._running:
            self._line.show(_named(list(self._running)), min(self._running.values()))


def _named(nodes: list[str]) -> str:
    """The nodes' names, in a line that a terminal does not wrap."""
    return first_few(nodes, _SHOWN_NODES, ", ")
