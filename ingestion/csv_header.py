"""The header of a CSV file, and opening it, plain or compressed."""

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from ingestion.csv_text import LONGEST_CELL, CsvText, count_lines, numbered_rows
from schema.errors import InputError

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Header:
    """Column names, the line they stand on, and the file's bytes up to the end of that line."""

    names: tuple[str, ...]
    line: int
    content: bytes

    @property
    def lines(self) -> int:
        """Lines that the content takes, blank ones before the names among them."""
        return count_lines(self.content)


def is_compressed(path: Path) -> bool:
    """True for a gzip file by its name."""
    return path.name.endswith(".gz")


def open_csv(path: Path) -> BinaryIO:
    """The file's text as bytes.

    Raises:
        InputError: if the name and the content do not agree on compression.
        OSError: if the file cannot be read.
    """
    with path.open("rb") as stream:
        magic = stream.read(len(_GZIP))
    if is_compressed(path) != (magic == _GZIP):
        received = "compressed by gzip. Expected plain text, or a name that ends in .csv.gz"
        missed = "not compressed by gzip. Expected gzip, or a name that ends in .csv"
        raise InputError(f"{path}: {missed if is_compressed(path) else received}.")
    return cast(BinaryIO, gzip.open(path)) if is_compressed(path) else path.open("rb")


def read_header(stream: BinaryIO, path: Path) -> Header:
    """The first line that is not blank; no names if there is none.

    Raises:
        InputError: naming file and line, if it is no CSV in UTF-8 or longer than LONGEST_CELL bytes.
    """
    start = stream.read(LONGEST_CELL)
    rows = numbered_rows(CsvText(path, start))
    line, names = next(rows, (1, []))
    return Header(tuple(names), line, _lines(start, line, names, path))


def _lines(start: bytes, line: int, names: list[str], path: Path) -> bytes:
    """The bytes up to the end of the header, which may itself have a line end inside a quoted name."""
    last = line + count_lines(",".join(names).encode())
    lines = start.splitlines(keepends=True)
    if len(lines) == last and len(start) == LONGEST_CELL:
        raise InputError(f"{path}:{line}: a header longer than {LONGEST_CELL:,} bytes. Is it a CSV file?")
    return b"".join(lines[:last])
