"""CSV files, plain or gzip, to typed Arrow tables, in blocks; what does not fit is named by file and line."""

import itertools
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from ingestion.block import ARROW_TYPES, BLOCK_BYTES, Block, FirstRows, Rows
from ingestion.column_names import check_names
from ingestion.csv_blocks import LONGEST_ROW, LongRowError, Piece, pieces
from ingestion.csv_faults import column_faults, find_fault
from ingestion.csv_header import Header, is_compressed, open_csv, read_header
from ingestion.csv_text import LONGEST_CELL, CsvText, count_lines, numbered_rows
from ingestion.typed_columns import precisions
from schema.errors import InputError
from schema.gathered import Gathered
from schema.precision import Precision
from schema.rows import Column, Kind

COUNTED_BY = "by line ends outside quotes"
# Of rows that are looked at before anything is converted.
FIRST_BYTES = 1 << 20
# Numbers with all their digits, so that it shows what float32 keeps of them.
_PARSED = {**ARROW_TYPES, Kind.NUMBER: pa.float64()}
_NOT_ASCII = bytes(range(0x80, 0x100))


def read_csv(path: Path, columns: Mapping[str, Column]) -> pa.Table:
    """The rows of one file, columns in the schema's order; an empty cell, quoted or not, is null.

    Raises:
        InputError: as `cut` and `read`.
    """
    blocks = cut(path, columns, BLOCK_BYTES)
    return pa.concat_tables([rows.table for block in blocks for rows in read(block, columns, BLOCK_BYTES)])


def check(path: Path, columns: Mapping[str, Column]) -> None:
    """Compares the header, the first line that is not blank, with the schema's columns.

    Raises:
        InputError: naming the column that is absent, unknown or given twice, or why the file cannot be read.
    """
    _header(path, columns)


def first_rows(path: Path, columns: Mapping[str, Column]) -> FirstRows:
    """Looks at the header and the first mebibyte of rows; each name and the first cell of a column may be a fault."""
    try:
        header = _names(path, columns)
        content = next(_pieces(path, header, FIRST_BYTES)).content
    except InputError as error:
        return FirstRows([str(error)])
    faults = Gathered()
    with faults.noted():
        check_names(header.names, columns, f"{path}:{header.line}")
    found = faults.messages
    text = CsvText(path, header.content + content, count_lines(header.content), header.lines + 1)
    if not found:
        with suppress(InputError):
            return FirstRows([], _typed(text, columns).precision)
    # Which of the columns have something takes a slower look.
    try:
        found += column_faults(text, columns)
    except InputError as error:
        return FirstRows([*found, str(error)])
    once = {name: column for name, column in columns.items() if header.names.count(name) == 1}
    return FirstRows(found, _single_precisions(text, once))


def _single_precisions(text: CsvText, columns: Mapping[str, Column]) -> dict[str, Precision]:
    """As `precisions`, each column parsed alone, so that one with a cell that does not fit hides no other."""
    found: dict[str, Precision] = {}
    for name, column in columns.items():
        if column.kind is not Kind.STRING:
            with suppress(pa.ArrowInvalid, pa.ArrowKeyError):
                found |= precisions(_parse(text.content, {name: column}), {name: column})
    return found


def cut(path: Path, columns: Mapping[str, Column], size: int) -> Iterator[Block]:
    """Blocks of about `size` bytes that end with a row; one for a gzip file, which cannot be read from its middle.

    Raises:
        InputError: as `check`, and naming the line if there is no row, or a row has no end.
    """
    header = _header(path, columns)
    if is_compressed(path):
        yield Block(path, header=header.content)
        return
    for number, piece in enumerate(_pieces(path, header, size)):
        yield Block(path, number, piece.offset, len(piece.content), piece.line, header.content, piece.rows)


def read(block: Block, columns: Mapping[str, Column], size: int) -> Iterator[Rows]:
    """The rows of a block, in one part or, of a gzip file, in parts of about `size` bytes.

    Raises:
        InputError: naming file and line, if a row is ragged, a cell is not of its column's type, not finite or has a
            NUL, a quote is not closed, the text is not UTF-8, there is no row, or the file cannot be read.
    """
    text = CsvText(block.path, b"", count_lines(block.header))
    for piece in _pieces_of(block, columns, size):
        rows = _typed(replace(text, content=block.header + piece.content, first=piece.line), columns)
        yield replace(rows, counted=piece.rows) if block.rows is None else rows


def _header(path: Path, columns: Mapping[str, Column]) -> Header:
    header = _names(path, columns)
    check_names(header.names, columns, f"{path}:{header.line}")
    return header


def _names(path: Path, columns: Mapping[str, Column]) -> Header:
    with _readable(path), open_csv(path) as stream:
        header = read_header(stream, path)
    if not header.names:
        raise InputError(f"{path}: empty file. Expected a header line: {','.join(columns)}")
    return header


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path}: not a whole gzip file: {error}") from None


def _pieces_of(block: Block, columns: Mapping[str, Column], size: int) -> Iterator[Piece]:
    if block.length is None:
        yield from _pieces(block.path, _header(block.path, columns), size)
        return
    with _readable(block.path), block.path.open("rb") as stream:
        stream.seek(block.offset)
        yield Piece(block.offset, block.first, stream.read(block.length))


def _pieces(path: Path, header: Header, size: int) -> Iterator[Piece]:
    """All rows after the header, of which there must be one."""
    found = False
    with _readable(path), open_csv(path) as stream:
        stream.seek(len(header.content))
        try:
            for piece in pieces(stream, size, len(header.content), header.lines + 1):
                found = True
                yield piece
        except LongRowError as error:
            raise InputError(_long_row_fault(path, error.piece)) from None
    if not found:
        raise InputError(f"{path}:{header.line}: a header and no rows. Expected at least one row.")


def _long_row_fault(path: Path, piece: Piece) -> str:
    # Cut anywhere, so perhaps inside a character.
    text = CsvText(path, piece.content.rstrip(_NOT_ASCII), first=piece.line)
    try:
        for _ in numbered_rows(text):
            continue
    except InputError as error:
        return str(error)
    return f"{path}:{piece.line}: a row longer than {LONGEST_ROW:,} bytes. Is its line end missing?"


def _typed(text: CsvText, columns: Mapping[str, Column]) -> Rows:
    try:
        wide = _parse(text.content, columns)
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise InputError(find_fault(text, columns) or f"{text.path}:{text.first}: {error}") from None
    # Unchecked: what float32 does not hold is infinite in it, and doubtful.
    table = wide.cast(pa.schema([(name, ARROW_TYPES[column.kind]) for name, column in columns.items()]), safe=False)
    fault = find_fault(text, columns) if any(map(_is_doubtful, table.columns)) else None
    if fault:
        raise InputError(fault)
    return Rows(table, partial(_place, text), precisions(wide, columns))


def _parse(content: bytes, columns: Mapping[str, Column]) -> pa.Table:
    return arrow_csv.read_csv(
        pa.BufferReader(content),
        # At once, and in one thread: with more, a row longer than a block leaves Arrow hanging when Python exits.
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=len(content) + 1),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: _PARSED[column.kind] for name, column in columns.items()},
            null_values=[""],
            strings_can_be_null=True,
            include_columns=list(columns),
        ),
    )


def _is_doubtful(column: pa.ChunkedArray) -> bool:
    """True where the fast reader may have let a fault pass, which find_fault would not."""
    if pa.types.is_floating(column.type):
        return pc.all(pc.is_finite(column)).as_py() is False
    if not pa.types.is_string(column.type) or len(column) == 0:
        return False
    # A quote that is never closed takes the rest of the file into the last row.
    swallowing = not {"\n", "\r"}.isdisjoint(column[-1].as_py() or "")
    too_long = (pc.max(pc.binary_length(column)).as_py() or 0) > LONGEST_CELL
    return swallowing or too_long or pc.any(pc.match_substring(column, "\0")).as_py() is True


def _place(text: CsvText, row: int) -> str:
    line, _ = next(itertools.islice(numbered_rows(text), row + 1, None))
    return f"{text.path}:{line}"
