"""How training went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from reports.artifacts.training import TrainingCurve, best_epoch
from reports.charts.training import epochs
from reports.render.html import Column, Table, View, number, words

_LABELS = {
    "loss": "loss",
    "auc": "AUC (0 to 1)",
    "learning_rate": "learning rate",
    "steps_per_second": "train steps (1/s)",
}
_LOSS_UNITS = {"regression": "loss (squared standardised label)"}


@dataclass(frozen=True)
class Training(View):
    """Curves by epoch, and the same as a table."""

    template: ClassVar[str] = "training.html"
    curves: Sequence[TrainingCurve]
    task: str
    tuned: Mapping[str, Any]

    def context(self) -> dict[str, Any]:
        """Drawings and the table."""
        best = best_epoch(list(self.curves))
        charts = [epochs(curve, self._label(curve.name), best) for curve in self.curves]
        return {"charts": charts, "best": best, "table_of_all": self.table(), "tuned": self.tuned}

    def _label(self, name: str) -> str:
        if name == "loss":
            return _LOSS_UNITS.get(self.task, "loss (nats)")
        return _LABELS.get(name, name)

    def table(self) -> Table:
        """A line an epoch."""
        named = [(curve, split) for curve in self.curves for split in curve.splits]
        columns = [Column("epoch"), *(Column(f"{self._label(curve.name)}, {split}") for curve, split in named)]
        count = max((epoch for curve, split in named for epoch in curve.splits[split]), default=0)
        lines = [
            [number(epoch, ".0f"), *(number(curve.splits[split].get(epoch), ".6g") for curve, split in named)]
            for epoch in range(1, count + 1)
        ]
        return Table("Training by epoch", columns, lines or [[words("nothing was logged")]])
