"""CSV text in memory, row by row: slow and exact, for headers and for naming what does not fit."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from schema.errors import InputError

LONGEST_CELL = 1 << 20  # characters
_LINE_FEED, _RETURN = b"\n\r"


@dataclass(frozen=True)
class CsvText:
    """A file's header lines followed by whole rows from anywhere in the file; `first` is the file's line of these."""

    path: Path
    content: bytes
    header_lines: int = 0
    first: int = 1

    def line(self, number: int) -> int:
        """The file's line of a line of the text, both from 1."""
        return number if number <= self.header_lines else number - self.header_lines - 1 + self.first


def count_lines(content: bytes) -> int:
    """Line ends, as Python's text files see them: LF, CR LF, CR."""
    # In vectors: bytes.count takes five times as long where every hundredth byte is a line end.
    characters = np.frombuffer(content, np.uint8)
    feeds = characters == _LINE_FEED
    lines = np.count_nonzero(feeds)
    if b"\r" in content:
        returns = characters == _RETURN
        lines += np.count_nonzero(returns) - np.count_nonzero(returns[:-1] & feeds[1:])
    return int(lines)


def numbered_rows(text: CsvText) -> Iterator[tuple[int, list[str]]]:
    """Rows of cells with the file's line on which each begins, the header first, blank lines left out.

    Raises:
        InputError: naming file and line, if the text is not CSV in UTF-8 or a cell is longer than LONGEST_CELL.
    """
    number = 1
    before = csv.field_size_limit(LONGEST_CELL)
    try:
        rows = csv.reader(io.TextIOWrapper(io.BytesIO(text.content), encoding="utf-8-sig", newline=""), strict=True)
        for row in rows:
            if row:
                yield text.line(number), row
            number = rows.line_num + 1
    except UnicodeDecodeError as error:
        raise InputError(_encoding_fault(text, error)) from None
    except csv.Error as error:
        hint = f"not well-formed CSV, look for a quote that is not closed: {error}"
        raise InputError(f"{text.path}:{text.line(number)}: {hint}") from None
    finally:
        csv.field_size_limit(before)


def _encoding_fault(text: CsvText, error: UnicodeDecodeError) -> str:
    # The decoder counts from its own buffer, so the line is counted from the text's bytes.
    for number, line in enumerate(text.content.splitlines(), start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as fault:
            place = f"{text.path}:{text.line(number)}"
            return f"{place}: not UTF-8: byte 0x{line[fault.start]:02x} at column {fault.start + 1}"
    return f"{text.path}: not UTF-8: {error.reason}"
