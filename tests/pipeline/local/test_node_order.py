"""Which nodes can begin."""

import pytest

from pipeline.local.node_order import ready

# A diamond with a tail, and a node of its own.
GRAPH = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"], "e": ["d"], "f": []}


@pytest.mark.parametrize(
    ("ended", "running", "expected"),
    [
        ([], [], ["a", "f"]),
        ([], ["a"], ["f"]),
        (["f"], ["a"], []),
        (["a", "f"], [], ["b", "c"]),
        (["a", "f"], ["b"], ["c"]),
        (["a", "f", "b"], ["c"], []),
        (["a", "f", "b", "c"], [], ["d"]),
        (["a", "b", "c", "d"], ["f"], ["e"]),
        (["a", "b", "c", "d", "e", "f"], [], []),
    ],
)
def test_a_node_is_ready_when_all_that_it_waits_for_has_ended(
    ended: list[str], running: list[str], expected: list[str]
) -> None:
    assert ready(GRAPH, ended, running) == expected
