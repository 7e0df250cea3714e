"""Metrics over runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from reports.charts.history import over_runs
from reports.render.html import BAD, GOOD, Cell, Column, Table, View, number, words
from schema.metrics import Metric
from schema.rounding import metric_form


@dataclass(frozen=True)
class History(View):
    """Records of runs, the oldest first, that evaluated a model."""

    template: ClassVar[str] = "history.html"
    records: Sequence[Mapping[str, Any]]
    metric: Metric

    def context(self) -> dict[str, Any]:
        """A drawing of the main metric, and a line a run."""
        points = [
            (self._name(record), self._value(record), bool(record.get("pushed")))
            for record in self.records
            if self._value(record) is not None
        ]
        label = f"{self.metric.title} ({self.metric.unit})"
        return {"drawing": over_runs(points, label) if points else None, "runs": self.table()}

    def _name(self, record: Mapping[str, Any]) -> str:
        begun = record["run_id"]
        return f"{begun[4:6]}-{begun[6:8]} {begun[9:11]}:{begun[11:13]}"

    def _value(self, record: Mapping[str, Any]) -> Any:
        return record["metrics"]["candidate"].get(self.metric.name)

    def table(self) -> Table:
        """A line a run."""
        names = list(dict.fromkeys(name for record in self.records for name in record["metrics"]["candidate"]))
        names = sorted(names, key=lambda name: (name != self.metric.name, name == "example_count"))
        columns = [
            Column("run", is_number=False),
            Column("spans", is_number=False),
            Column("verdict", is_number=False),
            Column("version", is_number=False),
            *(Column(name, "rows" if name == "example_count" else "") for name in names),
        ]
        return Table("Runs", columns, [self._line(record, names) for record in self.records])

    def _line(self, record: Mapping[str, Any], names: Sequence[str]) -> list[Cell]:
        status, pushed = record["status"], record.get("pushed")
        metrics = record["metrics"]["candidate"]
        return [
            words(record["run_id"]),
            words(record["window"]),
            words(status, {"pushed": GOOD, "not blessed": BAD, "failed": BAD}.get(status, "")),
            words(pushed["version"] if pushed else ""),
            *(
                number(metrics.get(name), ",.0f" if name == "example_count" else metric_form(metrics.get(name)))
                for name in names
            ),
        ]
