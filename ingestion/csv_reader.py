"""CSV files to typed Arrow tables, whole columns at a time; what does not fit is named by file and line."""

import csv
import itertools
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from schema.closed import nearest
from schema.errors import InputError
from schema.rows import Column, Kind

_TYPES = {Kind.STRING: pa.string(), Kind.INTEGER: pa.int64(), Kind.NUMBER: pa.float32()}
# A row must fit in the block that the fast reader takes at a time.
_BLOCK_BYTES = 1 << 20
# As the fast reader takes them; Python's own int and float take more.
_INTEGER = re.compile(r"[ \t]*-?[0-9]+[ \t]*")
_NUMBER = re.compile(r"[ \t]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t]*")
# From here on a number is rounded to infinity in 32 bits.
_FLOAT32_END = 2.0**128 - 2.0**103
_GZIP = b"\x1f\x8b"


def read_csv(path: Path, columns: Mapping[str, Column]) -> pa.Table:
    """The rows of one file, columns in the schema's order; an empty cell, quoted or not, is null.

    Raises:
        InputError: naming file and line, if a column is absent, unknown or given twice, a row is ragged, a cell
            is not of its column's type, not finite or has a NUL, a quote is not closed, the text is not UTF-8,
            there is no row, or the file cannot be read.
    """
    check_header(path, columns)
    try:
        table = arrow_csv.read_csv(
            path,
            # One thread: with more, a row that is longer than a block leaves Arrow hanging when Python exits.
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types={name: _TYPES[column.kind] for name, column in columns.items()},
                null_values=[""],
                strings_can_be_null=True,
                include_columns=list(columns),
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as error:
        raise InputError(find_fault(path, columns) or f"{path}: {error}") from None
    if table.num_rows == 0:
        raise InputError(f"{path}:1: a header and no rows. Expected at least one row.")
    fault = find_fault(path, columns) if any(map(_is_doubtful, table.columns)) else None
    if fault:
        raise InputError(fault)
    return table


def _is_doubtful(column: pa.ChunkedArray) -> bool:
    """True where the fast reader may have let a fault pass, which find_fault would not."""
    if pa.types.is_floating(column.type):
        return pc.all(pc.is_finite(column)).as_py() is False
    if not pa.types.is_string(column.type):
        return False
    # A quote that is never closed takes the rest of the file into the last row.
    swallowing = not {"\n", "\r"}.isdisjoint(column[-1].as_py() or "")
    return swallowing or pc.any(pc.match_substring(column, "\0")).as_py() is True


def check_header(path: Path, columns: Mapping[str, Column]) -> None:
    """Compares the header, the first line that is not blank, with the schema's columns.

    Raises:
        InputError: naming the column that is absent, unknown or given twice.
    """
    line, header = next(numbered_rows(path), (1, []))
    if not header:
        raise InputError(f"{path}: empty file. Expected a header line: {','.join(columns)}")
    for name in header:
        if name not in columns:
            raise InputError(f"{path}:{line}: column {name!r} is not in the schema.{nearest(name, list(columns))}")
        if header.count(name) > 1:
            raise InputError(f"{path}:{line}: column '{name}' is given twice")
    absent = [name for name in columns if name not in header]
    if absent:
        raise InputError(f"{path}:{line}: column '{absent[0]}' of the schema is missing. Received: {', '.join(header)}")


def find_fault(path: Path, columns: Mapping[str, Column]) -> str | None:
    """The first row that does not fit, as `file:line: what is wrong`; None if every row fits.

    Slow and exact: it runs only after the fast reader has refused or doubted the file.
    """
    try:
        rows = numbered_rows(path)
        _, header = next(rows)
        faults = ((line, _row_fault(row, header, columns)) for line, row in rows)
        return next((f"{path}:{line}: {fault}" for line, fault in faults if fault), None)
    except InputError as error:
        return str(error)


def line_of(path: Path, row: int) -> int:
    """The line on which a row begins; rows count from 0, without the header and blank lines."""
    return next(itertools.islice(numbered_rows(path), row + 1, None))[0]


def numbered_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows of text with the line on which each begins, the header first, blank lines left out.

    Raises:
        InputError: naming file and line, if the file is not CSV in UTF-8 or cannot be read.
    """
    line = 1
    longest = csv.field_size_limit(_BLOCK_BYTES)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream, strict=True)
            for row in rows:
                if row:
                    yield line, row
                line = rows.line_num + 1
    except UnicodeDecodeError as error:
        raise InputError(_encoding_fault(path, error)) from None
    except csv.Error as error:
        raise InputError(f"{path}:{line}: not well-formed CSV, look for a quote that is not closed: {error}") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    finally:
        csv.field_size_limit(longest)


def _row_fault(row: list[str], header: list[str], columns: Mapping[str, Column]) -> str | None:
    if len(row) != len(header):
        return f"expected {len(header)} cells, as in the header. Received: {len(row)}"
    for name, cell in zip(header, row, strict=True):
        expected = _expected(columns[name].kind, cell) if cell else None
        if expected:
            return f"column '{name}': expected {expected}. Received: {cell!r}"
    return None


def _expected(kind: Kind, cell: str) -> str | None:
    """What the cell should have been; None if it is."""
    if kind is Kind.STRING:
        return "text without a NUL byte" if "\0" in cell else None
    if kind is Kind.INTEGER:
        if not _INTEGER.fullmatch(cell):
            return "an integer"
        return None if -(2**63) <= Decimal(cell) < 2**63 else "an integer of 64 bits"
    if not _NUMBER.fullmatch(cell):
        return "a number"
    return None if abs(float(cell)) < _FLOAT32_END else "a number of 32 bits"


def _encoding_fault(path: Path, error: UnicodeDecodeError) -> str:
    content = path.read_bytes()
    if content.startswith(_GZIP):
        return f"{path}: compressed by gzip. Expected plain text."
    # The decoder counts from its own buffer, so the line is counted from the file's bytes.
    for number, line in enumerate(content.split(b"\n"), start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as fault:
            return f"{path}:{number}: not UTF-8: byte 0x{line[fault.start]:02x} at column {fault.start + 1}"
    return f"{path}: not UTF-8: {error.reason}"
