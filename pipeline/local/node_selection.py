"""Which nodes of the graph a run is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schema.closed import nearest
from schema.errors import InputError


@dataclass(frozen=True)
class Choice:
    """Which nodes run: from the first and up to the last, both inclusive; None for that end of the graph."""

    first: str | None = None
    last: str | None = None

    @property
    def is_all(self) -> bool:
        """Whether the whole graph runs."""
        return self.first is None and self.last is None

    def check(self, upstream: Mapping[str, Sequence[str]]) -> None:
        """Refuses a node that is not in the graph, and a range in which no node lies.

        Args:
            upstream: what each node of the graph waits for.

        Raises:
            InputError: with the nearest name, or both ends of the range.
        """
        for name in (self.first, self.last):
            if name is not None and name not in upstream:
                raise InputError(f"no node '{name}' in the graph.{nearest(name, list(upstream), called='Nodes')}")
        if self.first is None or self.last is None or self.first in _up_to(self.last, upstream):
            return
        turned = self.last in _up_to(self.first, upstream)
        hint = f"Did you mean --from {self.last} --to {self.first}?" if turned else "See the order with --list."
        raise InputError(
            f"--from {self.first} --to {self.last}: {self.last} does not come after {self.first}, so no node would "
            f"run. {hint}"
        )


def _up_to(last: str, upstream: Mapping[str, Sequence[str]]) -> set[str]:
    """The node and all that it waits for, directly or not."""
    found, open_ends = {last}, [last]
    while open_ends:
        added = [name for name in upstream[open_ends.pop()] if name not in found]
        found.update(added)
        open_ends += added
    return found
