"""CSV files to typed Arrow tables, whole columns at a time; what does not fit is named by file and line."""

import csv
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv

from schema.closed import nearest
from schema.errors import InputError
from schema.rows import Column, Kind

_TYPES = {Kind.STRING: pa.string(), Kind.INTEGER: pa.int64(), Kind.NUMBER: pa.float32()}


def read_csv(path: Path, columns: Mapping[str, Column]) -> pa.Table:
    """The rows of one file, columns in the schema's order; an empty cell is null.

    Raises:
        InputError: naming file and line, if a column is absent, unknown or given twice, a row is ragged, a cell
            is not of its column's type, the text is not UTF-8, or there is no row.
    """
    check_header(path, columns)
    try:
        table = arrow_csv.read_csv(
            path,
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types={name: _TYPES[column.kind] for name, column in columns.items()},
                null_values=[""],
                strings_can_be_null=True,
                include_columns=list(columns),
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise InputError(find_fault(path, columns) or f"{path}: {error}") from None
    if table.num_rows == 0:
        raise InputError(f"{path}:1: a header and no rows. Expected at least one row.")
    return table


def check_header(path: Path, columns: Mapping[str, Column]) -> None:
    """Compares the first line with the schema's columns.

    Raises:
        InputError: naming the column that is absent, unknown or given twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header = next(csv.reader(stream), None)
    except UnicodeDecodeError as error:
        raise InputError(_encoding_fault(path, error)) from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    if not header:
        raise InputError(f"{path}: empty file. Expected a header line: {','.join(columns)}")
    for name in header:
        if name not in columns:
            raise InputError(f"{path}:1: column '{name}' is not in the schema.{nearest(name, list(columns))}")
        if header.count(name) > 1:
            raise InputError(f"{path}:1: column '{name}' is given twice")
    absent = [name for name in columns if name not in header]
    if absent:
        raise InputError(f"{path}:1: column '{absent[0]}' of the schema is missing. Received: {', '.join(header)}")


def find_fault(path: Path, columns: Mapping[str, Column]) -> str | None:
    """The first row that does not fit, as `file:line: what is wrong`; None if every row fits.

    Slow and exact: it runs only after the fast reader has refused the file.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream)
            header = next(rows)
            for row in rows:
                fault = _row_fault(row, header, columns)
                if fault:
                    return f"{path}:{rows.line_num}: {fault}"
    except UnicodeDecodeError as error:
        return _encoding_fault(path, error)
    except csv.Error as error:
        return f"{path}: {error}"
    return None


def _row_fault(row: list[str], header: list[str], columns: Mapping[str, Column]) -> str | None:
    if not row:
        return None
    if len(row) != len(header):
        return f"expected {len(header)} cells, as in the header. Received: {len(row)}"
    for name, cell in zip(header, row, strict=True):
        kind = columns[name].kind
        if cell and kind is not Kind.STRING and not _is(kind, cell):
            return (
                f"column '{name}': expected {'an integer' if kind is Kind.INTEGER else 'a number'}. Received: {cell!r}"
            )
    return None


def _is(kind: Kind, cell: str) -> bool:
    try:
        int(cell) if kind is Kind.INTEGER else float(cell)
    except ValueError:
        return False
    return kind is not Kind.INTEGER or -(2**63) <= int(cell) < 2**63


def _encoding_fault(path: Path, error: UnicodeDecodeError) -> str:
    # The decoder counts from its own buffer, so the line is counted from the file's bytes.
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as fault:
            return f"{path}:{number}: not UTF-8: byte 0x{line[fault.start]:02x} at column {fault.start + 1}"
    return f"{path}: not UTF-8: {error.reason}"
