"""Rows of source files against counts made without the parser: literal files, and rows lost or added on the way."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ingestion import csv_reader, parquet_reader, tfrecord_reader
from ingestion.conversion import CutFile, Outcome, SpanRequest, Work, convert_block, cut
from ingestion.shards import Place
from ingestion.source_counts import source_counts
from schema.row_ledger import RowCount
from tests.ingestion.span_case import conversion, many, records, write_csv, write_parquet, write_tfrecord

# Blank lines, and line ends inside quotes, make no row.
AWKWARD = ["Mon,1,1,0", "", '"Mon\nor\r\nTue",2,2,1', '"say ""hi""\n",3,3,0', "", '5" of rain,4,4,1', "Wed,5,5,"]
FORMATS: dict[str, Callable[[Path], Path]] = {
    "a.csv": lambda folder: write_csv(folder, *AWKWARD, name="a.csv"),
    "a.csv.gz": lambda folder: write_csv(folder, *AWKWARD, name="a.csv.gz"),
    "a.parquet": lambda folder: write_parquet(folder, records(many(5)), group=2),
    "a.tfrecord": lambda folder: write_tfrecord(folder, records(many(5)), "a.tfrecord"),
    "a.tfrecord.gz": lambda folder: write_tfrecord(folder, records(many(5)), "a.tfrecord.gz"),
}
COUNTED_BY = {
    "csv": "by line ends outside quotes",
    "parquet": "by the file's own footer",
    "tfrecord": "by the records that fill the file",
}


def counts_of(path: Path, size: int) -> list[RowCount]:
    """The counts of one file that is converted in blocks of this size; those of its rows."""
    request, how = SpanRequest(1, (path,), path.parent / "out"), conversion(block_bytes=size)
    pieces = list(cut(request, 0, how))
    ends = [piece for piece in pieces if isinstance(piece, CutFile)]
    outcomes = [convert_block(piece, how, None) for piece in pieces if isinstance(piece, Work)]
    assert [outcome.fault for outcome in outcomes if outcome.fault] == []
    return [count for count in source_counts([path], ends, outcomes) if count.unit == "rows" and count.file]


@pytest.mark.parametrize("size", [20, 1 << 24])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_count_of_its_own(tmp_path: Path, name: str, size: int) -> None:
    path = FORMATS[name](tmp_path)

    assert counts_of(path, size) == [RowCount("source files", 5, 5, COUNTED_BY[name.split(".")[1]], file=name)]


def lose_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every parser loses the last row of what it parses."""

    def losing(parse: Callable[..., pa.Table]) -> Callable[..., pa.Table]:
        def parsed(*args: Any) -> pa.Table:
            table = parse(*args)
            return table.slice(0, table.num_rows - 1)

        return parsed

    for module, name in ((csv_reader, "_parse"), (parquet_reader, "typed"), (tfrecord_reader, "typed")):
        monkeypatch.setattr(module, name, losing(getattr(module, name)))


@pytest.mark.parametrize("name", FORMATS)
def test_a_row_that_a_parser_loses_is_told_with_its_block_and_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = FORMATS[name](tmp_path)
    lose_a_row(monkeypatch)

    told = [str(count) for count in counts_of(path, 1 << 24) if not count.agrees]

    by = COUNTED_BY[name.split(".")[1]]
    assert told == [
        f"source files, block 1, {name}: 4 rows, expected 5 {by}",
        f"source files, {name}: 4 rows, expected 5 {by}",
    ]


def test_a_row_lost_in_one_block_and_one_added_in_another_do_not_cancel_out() -> None:
    outcomes = [
        Outcome(place, labelled=read, rows={"train": read}, counted=10)
        for place, read in ((Place(0, 0), 9), (Place(0, 1), 11), (Place(0, 2), 10))
    ]

    counts = source_counts([Path("a.csv")], [CutFile(0, 3, 30, "by line ends outside quotes")], outcomes)

    assert [str(count) for count in counts if not count.agrees] == [
        "source files, block 1, a.csv: 9 rows, expected 10 by line ends outside quotes",
        "source files, block 2, a.csv: 11 rows, expected 10 by line ends outside quotes",
    ]


@pytest.mark.parametrize("lost", [b"Mon,1,1,0\n", b"\n"])
def test_a_file_that_loses_a_line_after_it_was_cut_is_noticed(tmp_path: Path, lost: bytes) -> None:
    path, how = write_csv(tmp_path, *many(20), "Mon,1,1,0"), conversion()
    request = SpanRequest(1, (path,), tmp_path / "out")
    (work, end) = list(cut(request, 0, how))
    path.write_bytes(path.read_bytes().removesuffix(lost))

    assert isinstance(work, Work)
    assert isinstance(end, CutFile)
    counts = source_counts([path], [end], [convert_block(work, how, None)])

    expected = 21 if lost == b"\n" else 20
    assert [(count.rows, count.expected) for count in counts if count.boundary == "source files"][-1] == (expected, 21)
