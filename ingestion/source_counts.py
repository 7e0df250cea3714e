"""Rows of a span's files: read, left out for a reason, and written; and whether every block of a file arrived."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ingestion.conversion import CutFile, Outcome
from schema.row_ledger import EXAMPLES, SOURCE, RowCount

NO_LABEL, NOT_IN_SAMPLE = "without a label", "outside the sample"


def source_counts(files: Sequence[Path], cut: Iterable[CutFile], outcomes: Iterable[Outcome]) -> list[RowCount]:
    """Counts of each file, and of what the span keeps of its rows.

    A block that is lost between two workers takes rows with it that nobody knows of, so the blocks are counted too. The
    rows of a file are known before it is read where its format says so, as Parquet's footer does.

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
    read = sum(outcome.labelled + outcome.unlabelled for outcome in converted)
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
    rows = sum(outcome.labelled + outcome.unlabelled for outcome in outcomes)
    return [
        blocks,
        RowCount(SOURCE, rows, due.rows, "by the file's own footer" if due.rows is not None else "", file=name),
    ]
