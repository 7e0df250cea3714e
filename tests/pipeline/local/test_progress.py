"""The live lines: counting on a terminal, final lines alone elsewhere."""

import io
import time

from pipeline.local.node_result import NodeResult, Status
from pipeline.local.progress import NodeLines


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


def seen(stream: io.StringIO, text: str) -> bool:
    """Whether the text is there within some seconds."""
    until = time.monotonic() + 5
    while text not in stream.getvalue() and time.monotonic() < until:
        time.sleep(0.01)
    return text in stream.getvalue()


def test_nodes_that_run_at_the_same_time_share_the_live_line() -> None:
    stream = Terminal()
    lines = NodeLines(stream)
    for node, shown_as in (
        ("Trainer", "Trainer"),
        ("Pusher", "Trainer, Pusher"),
        ("Gate", "Trainer, Pusher and 1 more"),
    ):
        lines(node, None)
        assert seen(stream, f"… {shown_as} ")
    lines("Trainer", NodeResult("Trainer", Status.RAN, 1.0))
    assert seen(stream, "… Pusher, Gate ")
    lines("Gate", NodeResult("Gate", Status.FAILED, 2.0))
    lines("Pusher", NodeResult("Pusher", Status.RAN, 3.0))
    finals = [line.rpartition("\r\033[K")[2] for line in stream.getvalue().split("\n") if line]
    assert [line.split()[:2] for line in finals] == [["✓", "Trainer"], ["✗", "Gate"], ["✓", "Pusher"]]


def test_a_file_gets_each_node_once_though_several_run() -> None:
    stream = io.StringIO()
    lines = NodeLines(stream)
    lines("Left", None)
    lines("Right", None)
    lines("Right", NodeResult("Right", Status.RAN, 1.0))
    lines("Left", NodeResult("Left", Status.CACHED, 2.0))
    assert [line.split()[:3] for line in stream.getvalue().splitlines()] == [
        ["✓", "Right", "ran"],
        ["=", "Left", "cached"],
    ]


def test_a_terminal_sees_what_runs_until_it_is_done() -> None:
    live, _, final = shown(Terminal()).rpartition("\r\033[K")
    assert "… Trainer" in live
    assert live.endswith("0 s")
    assert final == "  ✓ Trainer           ran         12.3 s\n"
