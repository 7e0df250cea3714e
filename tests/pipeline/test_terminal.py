"""The live lines: counting on a terminal, final lines alone elsewhere."""

import io
import time

from pipeline.local_runner import NodeResult, Status
from pipeline.terminal import NodeLines


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


def shown(stream: io.StringIO) -> str:
    """What a run of one node writes."""
    lines = NodeLines(stream)
    lines("Trainer", None)
    until = time.monotonic() + 5
    while stream.isatty() and "0 s" not in stream.getvalue() and time.monotonic() < until:
        time.sleep(0.01)
    lines("Trainer", NodeResult("Trainer", Status.RAN, 12.34))
    return stream.getvalue()


def test_a_file_gets_final_lines_alone() -> None:
    assert shown(io.StringIO()) == "  ✓ Trainer           ran         12.3 s\n"


def test_a_terminal_sees_what_runs_until_it_is_done() -> None:
    live, _, final = shown(Terminal()).rpartition("\r\033[K")
    assert "… Trainer" in live
    assert live.endswith("0 s")
    assert final == "  ✓ Trainer           ran         12.3 s\n"
