"""Device variants: what each costs, how good it is, and its verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from reports.charts.variants import cost
from reports.html import BAD, GOOD, Cell, Column, Table, View, number, words
from schema.metrics import Metric


@dataclass(frozen=True)
class Variants(View):
    """The entries of variants.json, the server model's metric, and how much worse a variant may be."""

    template: ClassVar[str] = "variants.html"
    variants: Sequence[Mapping[str, Any]]
    metric: Metric
    server: float | None = None
    drop: float = 0.0

    def context(self) -> dict[str, Any]:
        """The table, and drawings of what could be measured."""
        label = f"{self.metric.title} ({self.metric.unit})"
        drawn = any(one["value"] is not None for one in self.variants)
        keys = ("bytes", "latency_p50_us") if drawn else ()
        return {
            "variants": self.table(),
            "charts": [cost(self.variants, key, label, self.server, self.drop) for key in keys],
        }

    def table(self) -> Table:
        """A line a variant."""
        columns = [
            Column("variant", is_number=False),
            Column("verdict", is_number=False),
            Column("file", "bytes"),
            Column("gzip", "bytes"),
            Column(self.metric.name, self.metric.unit),
            Column("flipped", "% of rows"),
            Column("p50", "µs a row"),
            Column("p95", "µs a row"),
            Column("batches", "rows/s"),
            Column("why not", is_number=False, wraps=True),
        ]
        return Table("Device variants", columns, [self._line(one) for one in self.variants])

    def _line(self, one: Mapping[str, Any]) -> list[Cell]:
        accepted = bool(one["accepted"])
        return [
            words(one["name"]),
            words("accepted" if accepted else "rejected", GOOD if accepted else BAD),
            number(one["bytes"], ",.0f"),
            number(one["gzip_bytes"], ",.0f"),
            number(one["value"], ".4f"),
            number(100 * one["flip_rate"], ".2f"),
            number(one["latency_p50_us"], ",.0f"),
            number(one["latency_p95_us"], ",.0f"),
            number(one["rows_per_second"], ",.0f"),
            words("; ".join(one["reasons"])),
        ]
