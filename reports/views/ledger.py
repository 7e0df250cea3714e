"""The rows that passed each boundary of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar

from reports.render.html import BAD, GOOD, Cell, Column, Table, View, number, words
from schema.row_ledger import NO_SLICE


@dataclass(frozen=True)
class Ledger(View):
    """Lines of reports.artifacts.ledger.load_ledger."""

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
        return f"{agree} of {len(compared)} row counts that have an independent count agree with it."

    def table(self) -> Table:
        """A line for each boundary and split; those of one boundary that differ in their name alone share one."""
        columns = [
            Column("boundary", is_number=False),
            Column("of", is_number=False, wraps=True),
            Column("rows"),
            Column("left out", is_number=False, wraps=True),
            Column("expected"),
            Column("agrees", is_number=False),
        ]
        # What lies in no slice is left out of a sum of slices, and said there.
        shown = (line for line in self.lines if line["boundary"] != NO_SLICE)
        lines = [_cells(list(same)) for _, same in groupby(shown, _but_name)]
        return Table("Rows at every boundary", columns, lines, sortable=False)


def _but_name(line: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key not in ("of", "places")}


def _cells(same: Sequence[Mapping[str, Any]]) -> list[Cell]:
    line = same[0]
    left_out = ", ".join(f"{rows:,} {reason}" for reason, rows in line["dropped"].items())
    expected = line["expected"]
    if expected is None:
        agrees = words("counted first")
    else:
        agrees = words("yes" if line["agrees"] else "no", GOOD if line["agrees"] else BAD)
    return [
        words(f"{line['node']}: {line['boundary']}"),
        words(", ".join(filter(None, [line["split"], *(one["of"] for one in same)])) or "all"),
        number(line["rows"], ",d"),
        words(left_out),
        words("") if expected is None else number(expected, ",d"),
        agrees,
    ]
