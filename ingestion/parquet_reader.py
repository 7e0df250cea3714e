"""Parquet files to typed Arrow tables, in blocks of row groups; what does not fit is named by file and row."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from ingestion.block import Block, FirstRows, Rows
from ingestion.column_names import check_names
from ingestion.typed_columns import check_type, precisions, typed
from schema.errors import InputError
from schema.gathered import Gathered
from schema.precision import Precision
from schema.rows import Column

COUNTED_BY = "by the file's own footer"
# A few bytes on disk may stand for a long text in many rows, so rows are bounded beside bytes.
_LARGEST_PART = 1 << 16
_BUFFER_BYTES = 1 << 20
# Looked at before anything is converted.
_FIRST_ROWS = 1 << 12


def check(path: Path, columns: Mapping[str, Column]) -> None:
    """Compares names and types of the columns with the schema's.

    Raises:
        InputError: naming the column that is absent, unknown, given twice or of a type that does not fit its kind.
    """
    with _open(path) as file:
        _check(file, path, columns)


def first_rows(path: Path, columns: Mapping[str, Column]) -> FirstRows:
    """Looks at the columns and the first rows; each name and type, and the first value of a column may be a fault."""
    faults, precision = Gathered(), dict[str, Precision]()
    with faults.noted(), _open(path) as file:
        schema = file.schema_arrow
        with faults.noted():
            check_names(schema.names, columns, str(path))
        known = {name: column for name, column in columns.items() if schema.names.count(name) == 1}
        fit = [name for name, column in known.items() if _is_fit(faults, name, column, schema, path)]
        batch = next(file.iter_batches(batch_size=_FIRST_ROWS, columns=fit, use_threads=False), None) if fit else None
        for name in fit if batch is not None else ():
            with faults.noted():
                table, column = pa.Table.from_batches([batch]).select([name]), {name: known[name]}
                typed(table, column, partial(_place, path, 1))
                precision |= precisions(table, column)
    return FirstRows(faults.messages, precision)


def _is_fit(faults: Gathered, name: str, column: Column, schema: Any, path: Path) -> bool:
    with faults.noted():
        check_type(name, column.kind, schema.field(name).type, str(path))
        return True
    return False


def cut(path: Path, columns: Mapping[str, Column], size: int) -> Iterator[Block]:
    """Runs of row groups of about `size` bytes, uncompressed; a row group is never in two blocks.

    Raises:
        InputError: as `check`, or if there is no row.
    """
    with _open(path) as file:
        _check(file, path, columns)
        groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    if not any(group.num_rows for group in groups):
        raise InputError(f"{path}: no rows. Expected at least one row.")
    begin, number, first = 0, 0, 1
    for end in range(1, len(groups) + 1):
        if end == len(groups) or sum(group.total_byte_size for group in groups[begin : end + 1]) > size:
            rows = sum(group.num_rows for group in groups[begin:end])
            yield Block(path, number, begin, end - begin, first, rows=rows)
            first += rows
            begin, number = end, number + 1


def read(block: Block, columns: Mapping[str, Column], size: int) -> Iterator[Rows]:
    """The rows of a block, in parts of about `size` bytes.

    Raises:
        InputError: naming the file and the row, from 1, that does not fit.
    """
    first = block.first
    with _open(block.path) as file:
        groups = range(block.offset, block.offset + (block.length or 0))
        rows = _part_rows(file, groups, size)
        batches = file.iter_batches(batch_size=rows, row_groups=list(groups), columns=list(columns), use_threads=False)
        for batch in batches:
            place = partial(_place, block.path, first)
            table = pa.Table.from_batches([batch])
            yield Rows(typed(table, columns, place), place, precisions(table, columns))
            first += batch.num_rows


def _place(path: Path, first: int, row: int) -> str:
    return f"{path}: row {first + row}"


def _part_rows(file: Any, groups: range, size: int) -> int:
    """How many rows have about `size` bytes."""
    kept = [file.metadata.row_group(number) for number in groups]
    row_bytes = sum(group.total_byte_size for group in kept) / max(1, sum(group.num_rows for group in kept))
    return max(1, min(_LARGEST_PART, int(size / max(1.0, row_bytes))))


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as stream:
            stream.read(1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    try:
        # Buffered, so that a column of a large row group is not held whole.
        with parquet.ParquetFile(path, buffer_size=_BUFFER_BYTES) as file:
            yield file
    except OSError as error:
        raise InputError(f"{path}: not a whole Parquet file: {error}") from None
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: not a Parquet file: {error}") from None


def _check(file: Any, path: Path, columns: Mapping[str, Column]) -> None:
    schema = file.schema_arrow
    check_names(schema.names, columns, str(path))
    for name, column in columns.items():
        check_type(name, column.kind, schema.field(name).type, str(path))
