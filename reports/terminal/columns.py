"""Columns of text that stay aligned, and give way on a narrow terminal."""

from collections.abc import Sequence
from dataclasses import dataclass

_GAP = "  "


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        head: its name.
        cells: its texts, one a line.
        right: whether they end flush, as numbers do.
        rank: 0 for a column that stays; of the others the one of the highest rank goes first.
    """

    head: str
    cells: Sequence[str]
    right: bool = False
    rank: int = 0

    @property
    def width(self) -> int:
        """Characters of its widest text."""
        return max(len(text) for text in (self.head, *self.cells))

    def texts(self) -> list[str]:
        """Head and cells, each as wide as the widest."""
        width = self.width
        return [text.rjust(width) if self.right else text.ljust(width) for text in (self.head, *self.cells)]


def aligned(columns: Sequence[Column], width: int | None = None) -> list[str]:
    """A line of heads, and one a row.

    A column without a text is left out. Others follow by their rank until the lines fit, and what still does not is
    cut.

    Args:
        columns: of equal length.
        width: characters of a line; None for as many as it takes.
    """
    shown = [column for column in columns if any(column.cells)]
    while width is not None and _total(shown) > width and any(column.rank for column in shown):
        shown.remove(max(shown, key=lambda column: column.rank))
    lines = [_GAP.join(texts).rstrip() for texts in zip(*(column.texts() for column in shown), strict=True)]
    return [cut(line, width) for line in lines]


def _total(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + len(_GAP) * (len(columns) - 1)


def cut(line: str, width: int | None) -> str:
    """The line in at most `width` characters, the last of which says if there were more."""
    return line if width is None or len(line) <= width else f"{line[: width - 1]}…"
