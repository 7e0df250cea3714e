"""Literal rows in files to tf.Examples on disk, by split, all or nothing, by a real Beam pipeline of blocks."""

import json
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ingestion import conversion as conversion_module
from ingestion.block import BLOCK_BYTES
from ingestion.conversion import CutFile, Outcome, SpanRequest, Work, convert_block, cut
from ingestion.shards import Place
from ingestion.splits import SPLITS, assign
from schema.errors import InputError
from schema.precision import read_precision
from schema.problem import Split
from tests.ingestion.span_case import (
    all_rows,
    by_split,
    conversion,
    convert,
    convert_all,
    many,
    records,
    rows_of,
    shards,
    write_csv,
    write_parquet,
    write_tfrecord,
)


def test_a_row_is_an_example_of_its_values(tmp_path: Path) -> None:
    file = write_csv(tmp_path, '"Mon, ""wet"" 東",7,0.5,1', ",,,0", f"Tue,{2**63 - 1},-2.5e3,0")

    convert(tmp_path / "out", file)

    assert sorted(all_rows(tmp_path / "out"), key=lambda row: row["rain"] or 0) == [
        {"day": b"Tue", "stop": 2**63 - 1, "rain": -2500.0, "late": 0},
        {"day": None, "stop": None, "rain": None, "late": 0},
        {"day": 'Mon, "wet" 東'.encode(), "stop": 7, "rain": 0.5, "late": 1},
    ]


def test_every_labelled_row_is_in_one_split_and_counted(tmp_path: Path) -> None:
    counted = convert(tmp_path / "out", write_csv(tmp_path, *many()))

    assert sum(counted[split] for split in SPLITS) == 300
    assert sorted(row["stop"] for row in all_rows(tmp_path / "out")) == list(range(300))
    assert {split: len(rows_of(tmp_path / "out", split)) for split in SPLITS} == {s: counted[s] for s in SPLITS}


def test_rows_without_a_label_are_left_out_and_counted(tmp_path: Path) -> None:
    file = write_csv(tmp_path, "Mon,1,1,1", "Mon,2,1,", 'Mon,3,1,""', "Mon,4,1,0")

    assert convert(tmp_path / "out", file, block_bytes=10)["unlabelled"] == 2
    assert sorted(row["stop"] for row in all_rows(tmp_path / "out")) == [1, 4]


def test_rows_of_one_key_share_the_split_that_tfx_would_give_them(tmp_path: Path) -> None:
    convert(tmp_path / "out", write_csv(tmp_path, *many()), key="day", block_bytes=500)

    splits = {split: {row["day"] for row in rows_of(tmp_path / "out", split)} for split in SPLITS}

    days = [f"day-{day}".encode() for day in range(30)]
    numbers = assign(days, Split()).tolist()
    assert splits == {
        split: {day for day, number in zip(days, numbers, strict=True) if number == place}
        for place, split in enumerate(SPLITS)
    }


@pytest.mark.parametrize("sample_rows", [None, 100])
@pytest.mark.parametrize("key", ["day", "stop", None])
def test_a_rows_split_hangs_on_neither_block_nor_file_nor_format(
    tmp_path: Path, key: str | None, sample_rows: int | None
) -> None:
    rows = [*many(), "day-1,9000,1,"]
    how = {"key": key, "sample_rows": sample_rows}
    convert(tmp_path / "one", write_csv(tmp_path, *rows), **how)
    expected = by_split(tmp_path / "one")

    parts = [
        write_csv(tmp_path, *rows[250:], name="b.csv"),
        write_csv(tmp_path, *reversed(rows[200:250]), name="c.csv.gz"),
        write_parquet(tmp_path, records(rows[100:200]), name="d.parquet", group=30),
        write_tfrecord(tmp_path, records(rows[:100]), name="e.tfrecord.gz"),
    ]
    for name, size, files in (("tiny", 100, parts), ("small", 2_000, parts[::-1]), ("large", BLOCK_BYTES, parts)):
        counted = convert(tmp_path / name, *files, block_bytes=size, **how)
        assert by_split(tmp_path / name) == expected
        assert counted["unlabelled"] == 1


@pytest.mark.parametrize("flags", [("--direct_running_mode=multi_threading", "--direct_num_workers=3")])
def test_a_rows_split_and_place_do_not_hang_on_the_runner(tmp_path: Path, flags: tuple[str, ...]) -> None:
    file = write_csv(tmp_path, *many())
    convert(tmp_path / "one", file, key="day", block_bytes=500)
    convert(tmp_path / "two", file, key="day", block_bytes=500, flags=flags)

    for split in SPLITS:
        assert rows_of(tmp_path / "one", split) == rows_of(tmp_path / "two", split)


def test_what_else_a_row_says_does_not_move_it(tmp_path: Path) -> None:
    convert(tmp_path / "one", write_csv(tmp_path, *many()), key="stop")
    convert(tmp_path / "two", write_csv(tmp_path, *[f"other,{row},,1" for row in range(300)]), key="stop")

    assert by_split(tmp_path / "one") == by_split(tmp_path / "two")


def test_equal_rows_share_a_split_where_there_is_no_key(tmp_path: Path) -> None:
    convert(tmp_path / "out", write_csv(tmp_path, *many(count=100) * 2), block_bytes=300)

    for split in SPLITS:
        assert set(Counter(row["stop"] for row in rows_of(tmp_path / "out", split)).values()) <= {2}
    assert len(all_rows(tmp_path / "out")) == 200


def test_rows_stand_in_the_order_of_files_and_blocks(tmp_path: Path) -> None:
    files = [
        write_csv(tmp_path, *[f"Mon,{row},1,1" for row in range(start, start + 1000)], name=f"{name}.csv")
        for name, start in (("a", 0), ("b", 1000))
    ]

    convert(tmp_path / "out", *files, key="day", block_bytes=1000)

    (filled,) = [split for split in SPLITS if rows_of(tmp_path / "out", split)]
    assert [row["stop"] for row in rows_of(tmp_path / "out", filled)] == list(range(2000))


def test_shards_have_tfxs_names_and_none_is_without_rows(tmp_path: Path) -> None:
    rows = [f"{day},{row},1,1" for day in ("Mon", "Tue", "Wed", "Thu") for row in range(100)]
    convert(tmp_path / "out", write_csv(tmp_path, *rows), key="day", block_bytes=400)

    for split in SPLITS:
        names = [path.name for path in shards(tmp_path / "out", split)]
        assert names == [f"data_tfrecord-{shard:05d}-of-{len(names):05d}.gz" for shard in range(len(names))]
        if rows_of(tmp_path / "out", split):
            assert len(names) > 1
            assert all(path.stat().st_size > 0 for path in shards(tmp_path / "out", split))


def test_a_split_without_rows_is_one_empty_shard(tmp_path: Path) -> None:
    rows = [f"Mon,{row},1,1" for row in range(100)]
    counted = convert(tmp_path / "out", write_csv(tmp_path, *rows), key="day", block_bytes=400)

    assert sorted(counted[split] for split in SPLITS) == [0, 0, 100]
    empty = [split for split in SPLITS if not counted[split]]
    assert [[path.name for path in shards(tmp_path / "out", split)] for split in empty] == [
        ["data_tfrecord-00000-of-00001.gz"]
    ] * 2
    assert [rows_of(tmp_path / "out", split) for split in empty] == [[], []]


def test_a_sample_takes_about_as_many_labelled_rows_and_leaves_each_in_its_split(tmp_path: Path) -> None:
    file = write_csv(tmp_path, *many(1500), *[f"day-1,{row},1," for row in range(2000, 5000)])
    convert(tmp_path / "whole", file, key="day")

    counted = convert(tmp_path / "sampled", file, key="day", sample_rows=500, block_bytes=4_000)

    assert counted["unlabelled"] == 3000
    assert sum(counted[split] for split in SPLITS) == pytest.approx(500, abs=60)
    whole, sampled = by_split(tmp_path / "whole"), by_split(tmp_path / "sampled")
    assert all(set(sampled[split]) <= set(whole[split]) for split in SPLITS)


def test_a_sample_of_no_fewer_rows_than_there_are_is_all_of_them(tmp_path: Path) -> None:
    file = write_csv(tmp_path, *many(), "day-1,1,1,")

    counted = convert(tmp_path / "out", file, sample_rows=300, block_bytes=1_000)

    assert (counted["unlabelled"], sum(counted[split] for split in SPLITS)) == (1, 300)


@pytest.mark.parametrize("other", [{"seed": 8}, {"span": 2}])
def test_another_seed_or_span_is_another_sample(tmp_path: Path, other: dict[str, int]) -> None:
    file = write_csv(tmp_path, *many())
    convert(tmp_path / "one", file, sample_rows=50)
    convert(tmp_path / "two", file, sample_rows=50, **other)

    assert by_split(tmp_path / "one") != by_split(tmp_path / "two")


@pytest.mark.parametrize("size", [10, BLOCK_BYTES])
def test_no_labelled_row_is_named_with_the_column(tmp_path: Path, size: int) -> None:
    with pytest.raises(InputError, match=rf"{tmp_path}: no row has a label in column 'late'"):
        convert(tmp_path / "out", write_csv(tmp_path, "Mon,1,1,", "Mon,2,1,"), block_bytes=size)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".csv"] == ["out.fault"]


@pytest.mark.parametrize("size", [10, BLOCK_BYTES])
def test_a_row_without_a_split_key_is_named_by_file_and_line(tmp_path: Path, size: int) -> None:
    good = write_csv(tmp_path, "Mon,1,1,1", name="a.csv")
    bad = write_csv(tmp_path, '"Mo\nn",1,1,1', ",2,1,", "", ",3,1,1", name="b.csv")

    with pytest.raises(InputError) as caught:
        convert(tmp_path / "out", good, bad, key="day", sample_rows=1, block_bytes=size)

    # The row before it has no key either, but no label, so that it is left out.
    assert str(caught.value) == f"{bad}:6: column 'day' is empty. Rows are split by it."
    assert not (tmp_path / "out").exists()


def test_a_row_without_a_split_key_is_named_in_every_format(tmp_path: Path) -> None:
    rows = [*records(many(50)), {"day": None, "stop": 1, "rain": 1.0, "late": 1}]
    files = {
        write_parquet(tmp_path, rows, group=20): "row 51",
        write_tfrecord(tmp_path, rows): "record 51",
        write_csv(tmp_path, *many(50), ",1,1.0,1", name="a.csv.gz"): "52",
    }

    for file, place in files.items():
        with pytest.raises(InputError, match=rf"{file}: ?{place}: column 'day' is empty"):
            convert(tmp_path / "out", file, key="day", block_bytes=500)


@pytest.mark.parametrize("size", [20, BLOCK_BYTES])
def test_the_first_fault_of_each_span_is_told_and_other_spans_are_converted(tmp_path: Path, size: int) -> None:
    bad = [
        write_csv(tmp_path / "1", *many(20), "Mon,x,1,1", "Mon,y,1,1", name="a.csv"),
        write_csv(tmp_path / "1", "Mon,z,1,1", name="b.csv"),
    ]
    good, late = write_csv(tmp_path / "2", *many(20)), write_csv(tmp_path / "3", *many(20), "Mon,1,1")
    requests = [
        SpanRequest(span, files, tmp_path / f"out-{span}")
        for span, files in ((1, tuple(bad)), (2, (good,)), (3, (late,)))
    ]

    with pytest.raises(InputError) as caught:
        convert_all(requests, conversion(block_bytes=size))

    assert str(caught.value).split("\n") == [
        f"{bad[0]}:22: column 'stop': expected an integer. Received: 'x'",
        f"{late}:22: expected 4 cells, as in the header. Received: 3",
    ]
    assert [path.name for path in sorted(tmp_path.glob("out-*"))] == ["out-1.fault", "out-2", "out-3.fault"]


def test_a_fault_that_stops_the_cutting_does_not_hide_one_before_it(tmp_path: Path) -> None:
    file = write_csv(tmp_path, "Mon,x,1,1", *many(50), '"Mon,1,1,1')

    with pytest.raises(InputError, match=r"a\.csv:2: column 'stop': expected an integer"):
        convert(tmp_path / "out", file, block_bytes=20)


def test_of_many_spans_that_do_not_fit_the_first_eight_are_told(tmp_path: Path) -> None:
    requests = [
        SpanRequest(span, (write_csv(tmp_path / str(span), "Mon,x,1,1"),), tmp_path / f"out-{span}")
        for span in range(10, 21)
    ]

    with pytest.raises(InputError) as caught:
        convert_all(requests, conversion())

    *told, more = str(caught.value).split("\n")
    assert [line.split(":")[0] for line in told] == [str(tmp_path / str(span) / "a.csv") for span in range(10, 18)]
    assert more == "and 3 more spans that do not fit"


def test_a_fault_that_was_mended_is_forgotten(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        convert(tmp_path / "out", write_csv(tmp_path, "Mon,x,1,1"))

    convert(tmp_path / "out", write_csv(tmp_path, "Mon,7,1,1"))

    assert [row["stop"] for row in all_rows(tmp_path / "out")] == [7]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "out"]


def interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the process end when it has begun to write the second block."""
    whole = conversion_module.split_writers

    def ends(folder: Path, place: Place) -> Any:
        if place.block == 1:
            raise KeyboardInterrupt
        return whole(folder, place)

    monkeypatch.setattr(conversion_module, "split_writers", ends)


@pytest.mark.parametrize("format_", ["csv", "csv.gz", "parquet"])
def test_what_float32_keeps_of_each_column_is_measured_in_every_format(tmp_path: Path, format_: str) -> None:
    # Milliseconds of ten minutes, and seconds within some minutes of 1.7e9, where float32 has steps of 128.
    lines = [f"day,{1_700_000_000_000 + 2000 * row},{1.7e9 + row - 150.25},{row % 2}" for row in range(300)]
    file = (
        write_parquet(tmp_path, records(lines))
        if format_ == "parquet"
        else write_csv(tmp_path, *lines, name=f"a.{format_}")
    )
    convert(tmp_path / "span", file, block_bytes=2000)
    found = read_precision(tmp_path / "span")
    assert set(found) == {"stop", "rain", "late"}
    assert found["rain"].deviation == pytest.approx(300 / 12**0.5, rel=0.05)
    assert [name for name in found if found[name].fault("features", name, "")] == ["stop", "rain"]


def test_an_interrupted_write_leaves_nothing_that_looks_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_csv(tmp_path / "in", *many())
    interrupt(monkeypatch)
    with pytest.raises(RuntimeError, match="KeyboardInterrupt"):
        convert(tmp_path / "out", file, block_bytes=1_000)

    assert not (tmp_path / "out").exists()
    assert list(tmp_path.rglob("*.gz"))
    assert not list(tmp_path.rglob("rows.json"))

    monkeypatch.undo()
    counted = convert(tmp_path / "out", file)

    assert len(all_rows(tmp_path / "out")) == sum(counted[split] for split in SPLITS) == 300
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_an_interrupted_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    convert(tmp_path / "out", write_csv(tmp_path / "in", *many()))
    before = all_rows(tmp_path / "out")
    fewer = write_csv(tmp_path / "in", *many(count=100))
    interrupt(monkeypatch)

    with pytest.raises(RuntimeError, match="KeyboardInterrupt"):
        convert(tmp_path / "out", fewer, block_bytes=1_000)

    assert all_rows(tmp_path / "out") == before


def test_a_second_write_replaces_the_first(tmp_path: Path) -> None:
    convert(tmp_path / "out", write_csv(tmp_path, *many()), block_bytes=1_000)

    convert(tmp_path / "out", write_csv(tmp_path, *many(count=10)))

    assert sorted(row["stop"] for row in all_rows(tmp_path / "out")) == list(range(10))


def works(request: SpanRequest, size: int) -> list[Work]:
    """The blocks of the span's first file."""
    found = list(cut(request, 0, conversion(block_bytes=size)))
    assert isinstance(found[-1], CutFile)
    return [work for work in found if isinstance(work, Work)]


def test_a_block_that_is_converted_again_takes_the_place_of_the_first(tmp_path: Path) -> None:
    request = SpanRequest(1, (write_csv(tmp_path, *many()),), tmp_path / "out")
    one, two, *_ = works(request, 1_000)

    first = convert_block(one, conversion(), None)
    assert convert_block(one, conversion(), None) == first
    assert {path.name for path in tmp_path.rglob("*.gz")} == {"00000-000000.gz"}
    assert {split: len(rows_of(tmp_path / "out.partial", split)) for split in SPLITS} == first.rows

    convert_block(two, conversion(), None)
    assert {path.name for path in tmp_path.rglob("*.gz")} == {"00000-000000.gz", "00000-000001.gz"}


def test_a_block_with_a_fault_leaves_no_shard(tmp_path: Path) -> None:
    request = SpanRequest(1, (write_csv(tmp_path, *many(), "Mon,x,1,1"),), tmp_path / "out")
    (work,) = works(request, BLOCK_BYTES)

    outcome = convert_block(work, conversion(), None)

    assert outcome == Outcome(
        Place(0, 0), fault=f"{request.files[0]}:302: column 'stop': expected an integer. Received: 'x'"
    )
    assert not list(tmp_path.rglob("*.gz*"))


def test_what_a_worker_is_sent_is_small(tmp_path: Path) -> None:
    request = SpanRequest(1, (write_csv(tmp_path, *many(20_000)),), tmp_path / "out")

    assert max(len(pickle.dumps(work)) for work in works(request, 100_000)) < 1_000


def test_the_count_of_rows_stands_beside_them(tmp_path: Path) -> None:
    convert(tmp_path / "out", write_csv(tmp_path, *many(), "Mon,1,1,"), block_bytes=1_000)

    counted = json.loads((tmp_path / "out" / "rows.json").read_text(encoding="utf-8"))
    assert list(counted) == ["unlabelled", *SPLITS]
    assert sum(counted.values()) == 301


@pytest.mark.parametrize("name", ["a.txt", "a.json", "a.csv.bz2", "a.CSV", "a.tfrecord.bak", "parquet"])
def test_a_file_of_an_unknown_kind_is_refused_with_the_kinds_there_are(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x", encoding="utf-8")

    with pytest.raises(InputError) as caught:
        convert(tmp_path / "out", tmp_path / name)

    assert str(caught.value) == (
        f"{tmp_path / name}: a file of unknown kind. Expected a name such as *.csv, *.csv.gz, *.parquet, *.tfrecord, "
        "*.tfrecord.gz or TFX's data_tfrecord-*.gz"
    )
