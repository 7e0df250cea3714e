"""The rows that passed each boundary of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from reports.html import BAD, GOOD, Cell, Column, Table, View, number, words


@dataclass(frozen=True)
class Ledger(View):
    """Lines of reports.ledger.load_ledger."""

    template: ClassVar[str] = "ledger.html"
    lines: Sequence[Mapping[str, Any]]

    def context(self) -> dict[str, Any]:
        """Whether all agree, and the table."""
        return {"summary": self.summary, "counts": self.table()}

    @property
    def summary(self) -> str:
        """How many counts were held against another, and how many agree."""
        compared = [line for line in self.lines if line["expected"] is not None]
        agree = sum(line["agrees"] for line in compared)
        told = f"{agree} of the {len(compared)} counts that have another beside them agree with it."
        return f"Rows were counted {len(self.lines)} times on their way; {told}"

    def table(self) -> Table:
        """A line for each boundary and split."""
        columns = [
            Column("boundary", is_number=False),
            Column("of", is_number=False),
            Column("rows"),
            Column("left out", is_number=False, wraps=True),
            Column("expected"),
            Column("agrees", is_number=False),
        ]
        return Table("Rows at every boundary", columns, [_cells(line) for line in self.lines], sortable=False)


def _cells(line: Mapping[str, Any]) -> list[Cell]:
    left_out = ", ".join(f"{rows:,} {reason}" for reason, rows in line["dropped"].items())
    expected = line["expected"]
    if expected is None:
        agrees = words("counted first")
    else:
        agrees = words("yes" if line["agrees"] else "no", GOOD if line["agrees"] else BAD)
    return [
        words(f"{line['node']}: {line['boundary']}"),
        words(", ".join(filter(None, [line["of"], line["split"]])) or "all"),
        number(line["rows"], ",d"),
        words(left_out),
        words("") if expected is None else number(expected, ",d"),
        agrees,
    ]
