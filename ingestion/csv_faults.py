"""What does not fit in CSV text, found a row at a time: slow and exact."""

import re
from collections.abc import Mapping
from decimal import Decimal

from ingestion.csv_text import CsvText, numbered_rows
from schema.errors import InputError
from schema.rows import Column, Kind

# As the fast reader takes them; Python's own int and float take more.
_INTEGER = re.compile(r"[ \t]*-?[0-9]+[ \t]*")
_NUMBER = re.compile(r"[ \t]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t]*")
# What other programs write for a missing value.
_MISSING_WORDS = frozenset({"na", "n/a", "#n/a", "nan", "null", "none", "nil", "missing", "unknown", "-", "?", ".", ""})
# From here on a number is rounded to infinity in 32 bits.
_FLOAT32_END = 2.0**128 - 2.0**103


def find_fault(text: CsvText, columns: Mapping[str, Column]) -> str | None:
    """The first row that does not fit, as `file:line: what is wrong`; None if every row fits.

    Slow and exact: it runs only after the fast reader has refused or doubted the text.
    """
    try:
        rows = numbered_rows(text)
        _, header = next(rows)
        faults = ((line, _row_fault(row, header, columns)) for line, row in rows)
        return next((f"{text.path}:{line}: {fault}" for line, fault in faults if fault), None)
    except InputError as error:
        return str(error)


def column_faults(text: CsvText, columns: Mapping[str, Column]) -> list[str]:
    """The first cell of each column that does not fit, and the first ragged row, as `find_fault` tells one.

    Columns that the schema does not have are left out.

    Raises:
        InputError: if the text is no CSV in UTF-8.
    """
    rows = numbered_rows(text)
    _, header = next(rows)
    found: dict[str, str] = {}
    for line, row in rows:
        if len(row) != len(header):
            found.setdefault("", f"{text.path}:{line}: {_ragged(row, header)}")
            continue
        for name, cell in zip(header, row, strict=True):
            if name in columns and name not in found:
                fault = _cell_fault(name, cell, columns)
                if fault:
                    found[name] = f"{text.path}:{line}: {fault}"
    return list(found.values())


def _row_fault(row: list[str], header: list[str], columns: Mapping[str, Column]) -> str | None:
    if len(row) != len(header):
        return _ragged(row, header)
    faults = (_cell_fault(name, cell, columns) for name, cell in zip(header, row, strict=True))
    return next((fault for fault in faults if fault), None)


def _ragged(row: list[str], header: list[str]) -> str:
    return f"expected {len(header)} cells, as in the header. Received: {len(row)}"


def _cell_fault(name: str, cell: str, columns: Mapping[str, Column]) -> str | None:
    expected = _expected(columns[name].kind, cell) if cell else None
    if not expected:
        return None
    hint = ". A missing value is an empty cell" if cell.strip().casefold() in _MISSING_WORDS else ""
    return f"column '{name}': expected {expected}. Received: {cell!r}{hint}"


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
