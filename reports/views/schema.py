"""What each column of the raw rows must be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from reports.render.html import Cell, Table, View, number, words
from reports.render.html import Column as Head
from schema.first_few import first_few
from schema.rows import Column

_SHOWN_VALUES = 8


@dataclass(frozen=True)
class Schema(View):
    """The columns of schema.pbtxt with what the model makes of them.

    Attributes:
        columns: of the schema, in its order.
        least_present: by column the share of rows, in [0, 1], that must have a value.
        roles: by column what it is used as; columns without one are not used.
    """

    template: ClassVar[str] = "schema.html"
    columns: Sequence[Column]
    least_present: Mapping[str, float]
    roles: Mapping[str, str]

    def context(self) -> dict[str, Any]:
        """The table."""
        return {"columns": self.table()}

    def table(self) -> Table:
        """A line a column."""
        heads = [Head("column", is_number=False), Head("used as", is_number=False), Head("type", is_number=False)]
        heads += [Head("at least present", "% of rows"), Head("domain", is_number=False)]
        return Table("Columns of the schema", heads, [self._line(column) for column in self.columns])

    def _line(self, column: Column) -> list[Cell]:
        return [
            words(column.name),
            words(self.roles.get(column.name, "not used")),
            words(str(column.kind)),
            number(100 * self.least_present.get(column.name, 0.0), ".0f"),
            words(_domain(column)),
        ]


def _domain(column: Column) -> str:
    if column.values:
        return first_few(column.values, _SHOWN_VALUES, ", ")
    least, most = column.minimum, column.maximum
    if least is None:
        return "" if most is None else f"up to {most}"
    return f"from {least}" if most is None else f"{least} to {most}"
