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
