"""What became of a node, and how a run hears of it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What became of a node."""

    RAN = "ran"
    CACHED = "cached"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True)
class NodeResult:
    """One node of a run.

    Attributes:
        id: the node's id.
        status: what became of it.
        seconds: wall time from its begin to its end.
        peak_mb: most memory held while it ran, in MiB, see memory.PeakMemory; None where the kernel does not tell.
        why: why it ran, or did not, in a sentence fragment, see cause.
        notices: what a person should hear of it, see schema.notices.
    """

    id: str
    status: Status
    seconds: float
    peak_mb: float | None = None
    why: str = ""
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """A node's result, and the error that ended it if it failed."""

    result: NodeResult
    error: BaseException | None = None


class NodeError(Exception):
    """A node failed, or several were interrupted; the cause is chained.

    Attributes:
        node: the node that failed first, or the names of those that were interrupted.
        results: of all nodes that began.
    """

    def __init__(self, node: str, results: list[NodeResult]) -> None:
        super().__init__(node)
        self.node, self.results = node, results


# Hears of each node as it begins (None) and as it ends.
Progress = Callable[[str, NodeResult | None], None]
