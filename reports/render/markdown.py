"""Text, tables and code to Markdown that shows what it was given, on a code host and in a terminal."""

import re
import textwrap
from collections.abc import Sequence

from reports.render.html import Cell, Table

_COLUMNS = 100
# Signs that begin something anywhere in a line. The rest of Markdown's are let be: a terminal shows each backslash.
_SIGNS = re.compile(r"[\\`*|~$]")
# Brackets alone are no link, no note and no box to tick.
_BRACKETS = re.compile(r"\](?=[(\[:])|\[(?=\^|[ xX]\])")
# An underscore within a word begins nothing.
_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_ENTITY = re.compile(r"&(?=#|[A-Za-z])")
_LINE_BEGIN = re.compile(r"^([-+=#>]|\d+(?=[.)]))")


def escaped(text: str) -> str:
    """The text in one line, without a sign that Markdown or HTML would act on, or that a terminal would.

    What is no printable character, such as the one that begins a terminal's commands, becomes U+FFFD.
    """
    line = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in " ".join(text.split()))
    line = _UNDERSCORE.sub(r"\\_", _BRACKETS.sub(r"\\\g<0>", _SIGNS.sub(r"\\\g<0>", line)))
    return _ENTITY.sub("&amp;", line).replace("<", "&lt;").replace(">", "&gt;")


def paragraph(text: str, begin: str = "") -> str:
    """The text in lines of at most 100 columns, if its words let it; `begin` stands before the first."""
    room = _COLUMNS - len(begin)
    lines = textwrap.wrap(escaped(text), room, break_long_words=False, break_on_hyphens=False)
    after = " " * len(begin)
    return "\n".join((after if place else begin) + _LINE_BEGIN.sub(_masked, line) for place, line in enumerate(lines))


def _masked(found: re.Match[str]) -> str:
    # Of a number, the sign after it is what makes a list.
    return f"{found[1]}\\" if found[1].isdigit() else f"\\{found[1]}"


def bullets(items: Sequence[str]) -> str:
    """A list."""
    return "\n".join(paragraph(item, "- ") for item in items)


def heading(text: str, level: int) -> str:
    """A heading."""
    return f"{'#' * level} {escaped(text)}"


def code(text: str, language: str) -> str:
    """A block of code, whose fence is longer than any in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def table(shown: Table) -> str:
    """A table with its columns under each other; charts have no place in it."""
    numbers = [column.is_number for column in shown.columns]
    head = [escaped(f"{column.label} ({column.unit})" if column.unit else column.label) for column in shown.columns]
    rows = [[_cell(cell) for cell in row] for row in shown.rows]
    widths = [max(3, *(len(line[place]) for line in [head, *rows])) for place in range(len(head))]
    # A long text at the end needs no room after it.
    widths[-1] = widths[-1] if numbers[-1] else 3
    rule = ["-" * (width - 1) + ":" if right else "-" * width for width, right in zip(widths, numbers, strict=True)]
    return "\n".join(_line(line, widths, numbers) for line in [head, rule, *rows])


def _cell(cell: Cell) -> str:
    return escaped(cell.marked)


def _line(cells: Sequence[str], widths: Sequence[int], numbers: Sequence[bool]) -> str:
    padded = [
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, numbers, strict=True)
    ]
    return f"| {' | '.join(padded)} |"
