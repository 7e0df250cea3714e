"""Measured sections of a Markdown file, between marker lines, so that a person's words around them stay."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.tables import Table
from schema.errors import InputError


def fill(path: Path, section: str, tables: Sequence[Table], lines: Sequence[str] = ()) -> None:
    """Puts the tables, then the lines, in place of what stands in the section.

    Raises:
        InputError: if the file is absent or has not one of each of the section's two markers, in order.
    """
    blocks = [*(table.markdown() for table in tables), *([list(lines)] if lines else [])]
    content = [line for block in blocks for line in ("", *block)]
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}. Expected a Markdown file with the section '{section}'.") from None
    aside = path.with_name(f".{path.name}.partial")
    aside.write_text(replaced(text, section, content, str(path)), encoding="utf-8")
    aside.replace(path)


def replaced(text: str, section: str, content: Sequence[str], where: str) -> str:
    """`text` with the lines of `content` between the section's markers.

    Raises:
        InputError: as `fill`.
    """
    lines = text.split("\n")
    begin, end = (_place(lines, f"<!-- {section}: {mark} -->", where) for mark in ("begin", "end"))
    if end < begin:
        raise InputError(f"{where}:{end + 1}: expected the end of section '{section}' below its beginning")
    return "\n".join([*lines[: begin + 1], *content, "", *lines[end:]])


def _place(lines: Sequence[str], marker: str, where: str) -> int:
    places = [place for place, line in enumerate(lines) if line.strip() == marker]
    if len(places) != 1:
        raise InputError(f"{where}: expected one line '{marker}'. Received: {len(places) or 'none'}")
    return places[0]
