"""A device model's answers beside the server model's, row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from reports.render.html import Cell, Column, Table, View, number, words


@dataclass(frozen=True)
class Row:
    """One row: its features as the model took them, its label, and both models' scores [outputs]."""

    features: Mapping[str, str]
    label: str
    server: Sequence[float]
    device: Sequence[float]

    @property
    def difference(self) -> float:
        """The largest of any output."""
        return max(abs(one - other) for one, other in zip(self.server, self.device, strict=True))


@dataclass(frozen=True)
class Answers(View):
    """Some rows of the test split, answered by both forms of one version.

    Attributes:
        version: the released version.
        variant: the device model.
        rows: what was asked and answered.
        label: the label's name.
        classes: names of the classes of a multiclass problem, in the order of the scores.
    """

    template: ClassVar[str] = "answers.html"
    version: str
    variant: str
    rows: Sequence[Row]
    label: str
    classes: Sequence[str] = ()

    def context(self) -> dict[str, Any]:
        """The answers, the rows, and how far apart the two models are at most."""
        return {
            "it": self,
            "largest": f"{max((row.difference for row in self.rows), default=0.0):.2g}",
            "answers": self.table(),
            "features": self.feature_table(),
        }

    def table(self) -> Table:
        """A line a row."""
        columns = [Column("row"), Column(self.label, "label")]
        columns += [Column("server model"), Column("device model"), Column("largest difference")]
        return Table("Answers", columns, [self._line(place, row) for place, row in enumerate(self.rows, start=1)])

    def _line(self, place: int, row: Row) -> list[Cell]:
        return [
            number(place, ".0f"),
            words(row.label),
            self._answer(row.server),
            self._answer(row.device),
            number(row.difference, ".2g"),
        ]

    def _answer(self, scores: Sequence[float]) -> Cell:
        """The one score, or the most likely class and its probability."""
        if len(scores) == 1:
            return number(scores[0], ".6f")
        best = max(range(len(scores)), key=lambda place: scores[place])
        return Cell(f"{self.classes[best]} {scores[best]:.6f}", sort=scores[best], value=scores[best])

    def feature_table(self) -> Table:
        """A line a feature, a column a row."""
        names = list(self.rows[0].features) if self.rows else []
        columns = [Column("feature", is_number=False), *(Column(f"row {place + 1}") for place in range(len(self.rows)))]
        return Table(
            "Rows", columns, [[words(name), *(words(row.features[name]) for row in self.rows)] for name in names]
        )
