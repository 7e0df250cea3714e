"""Whether float32 is too coarse for a column, said before the run, by the rule by which Transform refuses it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ingestion.block import BLOCK_BYTES, Rows
from ingestion.formats import reader_of
from schema.errors import InputError
from schema.gathered import Gathered
from schema.precision import Precision, check_precision, merged
from schema.problem import Problem
from schema.rows import Column

# Bytes of typed columns, 4 to 9 s of reading. What is longer is left to the run.
LARGEST_LOOK = 1 << 29


@dataclass(frozen=True)
class EarlyPrecision:
    """What is said of the columns.

    Attributes:
        faults: sentences with which the run would end.
        notes: sentences for columns of which it is not known whether the run would end with them.
    """

    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def suspicions(
    parts: Iterable[Mapping[str, Precision]],
    columns: Mapping[str, Column],
    problem: Problem,
    seen: str = "the first rows of each file",
) -> list[str]:
    """Sentences for the columns that Transform would refuse if the files had no other rows.

    Args:
        parts: precision of the columns in the rows that were seen.
        columns: the schema's.
        problem: says which columns a model takes as numbers.
        seen: names these rows.
    """
    return [
        f"{fault}. This is by {seen} alone: Transform judges by all rows" for fault in _faults(parts, columns, problem)
    ]


def judge(
    files: Iterable[Path],
    columns: Mapping[str, Column],
    problem: Problem,
    first: Iterable[Mapping[str, Precision]],
    *,
    largest: int = LARGEST_LOOK,
) -> EarlyPrecision:
    """Judges by the first rows, and by all rows wherever those would be refused.

    First rows refuse nothing: in a table that is sorted by time they are minutes of what may be years. So the files are
    read on as ExampleGen reads them, until the columns pass, which Transform still checks, or all rows are measured.

    Args:
        files: the window's, whose first rows fit the schema.
        columns: the schema's.
        problem: says which columns a model takes as numbers.
        first: of each file, the precision of the columns in its first rows.
        largest: bytes of typed columns after which no more is read.

    Returns:
        Faults if all rows were read, or a row that does not fit was met on the way; else notes.
    """
    begun = merged(first)
    if not _faults([begun], columns, problem):
        return EarlyPrecision()
    whole: dict[str, Precision] = {}
    rows = size = 0
    try:
        for part in _parts(files, columns):
            if size >= largest:
                doubts = suspicions([begun, whole], columns, problem, f"the first {rows:,} rows")
                return EarlyPrecision(notes=[f"warning: {doubt}" for doubt in doubts])
            whole = merged([whole, part.precision])
            rows, size = rows + part.table.num_rows, size + part.table.nbytes
            # With the first rows of all files, lest one file's own rows let a column pass.
            if not _faults([begun, whole], columns, problem):
                return EarlyPrecision()
    except InputError as error:
        return EarlyPrecision([str(error), *suspicions([begun], columns, problem)])
    return EarlyPrecision(_faults([whole], columns, problem))


def _parts(files: Iterable[Path], columns: Mapping[str, Column]) -> Iterator[Rows]:
    """All rows, in the parts in which ExampleGen measures them."""
    for path in files:
        reader = reader_of(path)
        for block in reader.cut(path, columns, BLOCK_BYTES):
            yield from reader.read(block, columns, BLOCK_BYTES)


def _faults(parts: Iterable[Mapping[str, Precision]], columns: Mapping[str, Column], problem: Problem) -> list[str]:
    faults = Gathered()
    with faults.noted():
        check_precision(merged(parts), problem, columns)
    return [line for message in faults.messages for line in message.splitlines()]
