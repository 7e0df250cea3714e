"""How one released version was made, as plain records of the metadata store's executions."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Span:
    """A span of the data: its number, and a digest of its files' content."""

    number: int
    content: str


@dataclass(frozen=True)
class Step:
    """One execution that a version stands on.

    Attributes:
        name: the node; with its run where two executions of one node lead to the version.
        run_id: the run that it was made in.
        seconds: from its registration in the store until its outputs were.
        source: fingerprint of the source that the node ran; empty where it has none.
        settings: execution properties by name, as the store has them.
        upstream: names of the steps whose artifacts it took.
        made: URIs of the artifacts it made that lead to the version.
        used_again: later runs that took its artifacts from the cache.
        baseline: the URI of the model that it compared with; empty if none.
    """

    name: str
    run_id: str
    seconds: float
    source: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    upstream: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    used_again: tuple[str, ...] = ()
    baseline: str = ""
