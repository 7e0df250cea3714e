"""Rows of a span's files: read, left out for a reason, and written; and whether every block of a file arrived."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ingestion.conversion import CutFile, Outcome
from schema.row_ledger import EXAMPLES, SOURCE, RowCount

NO_LABEL, NOT_IN_SAMPLE = "without a label", "outside the sample"


def source_counts(files: Sequence[Path], cut: Iterable[CutFile], outcomes: Iterable[Outcome]) -> list[RowCount]:
    """Counts of each file, and of what the span keeps of its rows.

    The parser's rows are compared with a count made without it: for each block, so that a row lost in one and a row
    added in another do not cancel out, and for the file. Where a file is cut, its rows are counted then, on another
    worker than the one that parses them. The count of a file that is streamed whole comes with its one block and is
    lost with it, so blocks are counted too.

    Args:
        files: of the span.
        cut: what each of them was cut into.
        outcomes: of the blocks that arrived, without faults.
    """
    due = {one.file: one for one in cut}
    converted = list(outcomes)
    counts: list[RowCount] = []
    for number, path in enumerate(files):
        own = [outcome for outcome in converted if outcome.place.file == number]
        counts += _of_file(path.name, due.get(number), own)
    read = sum(map(_read, converted))
    written = sum(sum(outcome.rows.values()) for outcome in converted)
    dropped = {
        NO_LABEL: sum(outcome.unlabelled for outcome in converted),
        NOT_IN_SAMPLE: sum(outcome.unsampled for outcome in converted),
    }
    left_out = {reason: rows for reason, rows in dropped.items() if rows}
    return [*counts, RowCount(EXAMPLES, written, read, "rows read from source files", dropped=left_out)]


def _of_file(name: str, due: CutFile | None, outcomes: Sequence[Outcome]) -> list[RowCount]:
    if due is None:
        return [RowCount(SOURCE, 0, 1, "that was cut into blocks", file=name, unit="files")]
    blocks = RowCount(SOURCE, len(outcomes), due.blocks, "cut from the file", file=name, unit="blocks")
    by_block = [
        RowCount(SOURCE, _read(one), one.counted, due.counted_by, file=name, of=f"block {one.place.block + 1}")
        for one in outcomes
    ]
    rows = sum(map(_read, outcomes))
    expected = sum(outcome.counted for outcome in outcomes) if due.rows is None else due.rows
    wrong = [count for count in by_block if not count.agrees]
    return [blocks, *wrong, RowCount(SOURCE, rows, expected, due.counted_by, file=name)]


def _read(outcome: Outcome) -> int:
    return outcome.labelled + outcome.unlabelled
