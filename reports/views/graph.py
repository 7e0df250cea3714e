"""The graph: what each node did, how long, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from reports.charts.graph import MARKS, graph
from reports.render.html import BAD, Cell, Column, Table, View, number, words


@dataclass(frozen=True)
class Graph(View):
    """Nodes of `run.json`, as a drawing and as a table."""

    template: ClassVar[str] = "graph.html"
    nodes: Sequence[Mapping[str, Any]]

    def context(self) -> dict[str, Any]:
        """The drawing, if the record says what waits for what, and the table."""
        drawable = bool(self.nodes) and all("upstream" in node for node in self.nodes)
        return {"drawing": graph(self.nodes) if drawable else None, "nodes": self.table()}

    def table(self) -> Table:
        """A line a node."""
        columns = [
            Column("node", is_number=False),
            Column("status", is_number=False),
            Column("wall time", "s"),
            Column("most memory", "MiB"),
            Column("why", is_number=False, wraps=True),
        ]
        return Table("Nodes of the run", columns, [self._row(node) for node in self.nodes])

    def _row(self, node: Mapping[str, Any]) -> list[Cell]:
        status = node["status"]
        told = Cell(f"{MARKS[status]} {status}", sort=status, mark=BAD if status == "failed" else "")
        # The sign is there already.
        told = Cell(told.text, told.sort)
        ran = status in ("ran", "failed")
        return [
            words(node["id"]),
            told,
            number(node["seconds"], ".2f"),
            number(node.get("peak_mb"), ",.0f") if ran and node.get("peak_mb") is not None else Cell("", sort=0),
            Cell(node.get("why", ""), sort=node.get("why", "")),
        ]
