"""The unit of work: a piece of one raw file, and the typed rows that are read from it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from schema.precision import Precision
from schema.rows import Column, Kind

# Long enough that a block's fixed cost (about a millisecond) does not count, short enough that a worker's memory, a
# small multiple of it, stays below 300 MB.
BLOCK_BYTES = 1 << 24
ARROW_TYPES = {Kind.STRING: pa.string(), Kind.INTEGER: pa.int64(), Kind.NUMBER: pa.float32()}


@dataclass(frozen=True)
class Block:
    """Where to read, in a few bytes that any worker can be sent.

    Attributes:
        path: the file.
        number: place among the file's blocks, from 0.
        offset: first byte (plain CSV) or first row group (Parquet).
        length: bytes or row groups; None for a file that cannot be split and is streamed whole.
        first: the line (CSV) or the row or record (else) that the block begins with, from 1.
        header: the bytes of a CSV file up to the end of its header line.
        rows: of the block, counted where the file is cut: by the footer (Parquet) or by line ends (plain CSV); None for
            a file that is streamed whole.
    """

    path: Path
    number: int = 0
    offset: int = 0
    length: int | None = None
    first: int = 1
    header: bytes = b""
    rows: int | None = None


@dataclass(frozen=True)
class Rows:
    """Rows of a block.

    Attributes:
        table: typed columns in the schema's order, null where a value is missing.
        place: names a row, counted from 0.
        precision: what the columns of numbers lose in float32, by name.
        counted: rows that are due, counted without the parser; None where they were counted with the block.
    """

    table: pa.Table
    place: Callable[[int], str]
    precision: Mapping[str, Precision] = field(default_factory=dict)
    counted: int | None = None


@dataclass(frozen=True)
class FirstRows:
    """What a file's columns and first rows show.

    Attributes:
        faults: everything that does not fit, in sentences that begin with the file; none if all of it fits.
        precision: what the columns of numbers that fit lose in float32, by name.
    """

    faults: list[str]
    precision: Mapping[str, Precision] = field(default_factory=dict)


class Reader(Protocol):
    """What a file format must offer; a module of functions is one.

    COUNTED_BY: what counts a file's rows without the parser, which makes them from columns.
    """

    COUNTED_BY: str

    def check(self, path: Path, columns: Mapping[str, Column]) -> None:
        """Compares the file's columns with the schema's, from its beginning alone.

        Raises:
            InputError: naming the file and the column that does not fit.
        """

    def first_rows(self, path: Path, columns: Mapping[str, Column]) -> FirstRows:
        """Looks at the file's columns and first rows; of each column, the first value that does not fit is a fault."""

    def cut(self, path: Path, columns: Mapping[str, Column], size: int) -> Iterator[Block]:
        """The blocks of a file, each of about `size` bytes.

        Raises:
            InputError: naming the file and the place from which it cannot be cut.
        """

    def read(self, block: Block, columns: Mapping[str, Column], size: int) -> Iterator[Rows]:
        """The rows of a block, in order and in parts of about `size` bytes.

        Raises:
            InputError: naming the file and the line, row or record that does not fit.
        """
