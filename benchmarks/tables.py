"""A table, for the terminal and as Markdown."""

from dataclasses import dataclass

# What stands where there is no number.
ABSENT = "-"


@dataclass(frozen=True)
class Table:
    """A title, the heads of the columns, and cells of text [rows, columns].

    words: places of the columns that hold words and not numbers; these are aligned left.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = (0,)

    def lines(self) -> list[str]:
        """The table for a terminal."""
        cells = [self.head, *self.rows]
        widths = [max(len(row[place]) for row in cells) for place in range(len(self.head))]
        return [self.title, *(f"  {self._line(row, widths)}" for row in cells)]

    def markdown(self) -> list[str]:
        """The table under its title, as Markdown."""
        rule = tuple("---" if place in self.words else "---:" for place in range(len(self.head)))
        return [f"### {self.title}", "", *(f"| {' | '.join(row)} |" for row in (self.head, rule, *self.rows))]

    def _line(self, row: tuple[str, ...], widths: list[int]) -> str:
        places = enumerate(zip(row, widths, strict=True))
        cells = [cell.ljust(width) if place in self.words else cell.rjust(width) for place, (cell, width) in places]
        return "  ".join(cells).rstrip()


def number(value: float | None, form: str) -> str:
    """The number in that form, or what stands for none."""
    return ABSENT if value is None or value != value else format(value, form)
