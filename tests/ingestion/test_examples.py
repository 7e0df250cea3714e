"""Literal rows in CSV files to tf.Examples on disk, by split, all or nothing."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from ingestion import examples
from ingestion.csv_reader import read_csv
from ingestion.examples import SpanRequest, as_lists, sample, write_span
from ingestion.splits import SPLITS, assign
from schema.errors import InputError
from schema.problem import Split
from schema.rows import columns

SCHEMA = text_format.Parse(
    """
    feature { name: "day" type: BYTES }
    feature { name: "stop" type: INT }
    feature { name: "rain" type: FLOAT }
    feature { name: "late" type: INT }
    """,
    schema_pb2.Schema(),
)
HEADER = "day,stop,rain,late"
Row = dict[str, Any]


def written(folder: Path, *rows: str, name: str = "a.csv") -> Path:
    """A CSV file of these rows."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


def many(count: int = 300, days: int = 30) -> list[str]:
    """Rows that differ in their stop, on days in turn."""
    return [f"day-{row % days},{row},{row / 4},{row % 2}" for row in range(count)]


def convert(
    destination: Path,
    *files: Path,
    key: str | None = None,
    sample_rows: int | None = None,
    span: int = 1,
    seed: int = 7,
) -> dict[str, int]:
    """Writes the span and returns the rows a split."""
    request = SpanRequest(span, files, Split(key=key), sample_rows, seed)
    return write_span(request, SCHEMA, "late", destination)


def rows_of(destination: Path, split: str) -> list[Row]:
    """The values of each example of one split; None for a feature without a value."""
    found = []
    for path in sorted((destination / f"Split-{split}").glob("*.gz")):
        for record in tf.data.TFRecordDataset(str(path), compression_type="GZIP").as_numpy_iterator():
            features = tf.train.Example.FromString(record).features.feature
            found.append({name: value(feature) for name, feature in features.items()})
    return found


def value(feature: tf.train.Feature) -> Any:
    """Its one value, or None."""
    kind = feature.WhichOneof("kind")
    if kind is None:
        return None
    (only,) = getattr(feature, kind).value
    return only


def all_rows(destination: Path) -> list[Row]:
    """The rows of all splits."""
    return [row for split in SPLITS for row in rows_of(destination, split)]


def test_a_row_is_an_example_of_its_values(tmp_path: Path) -> None:
    file = written(tmp_path, '"Mon, ""wet"" 東",7,0.5,1', ",,,0", f"Tue,{2**63 - 1},-2.5e3,0")

    convert(tmp_path / "out", file)

    assert sorted(all_rows(tmp_path / "out"), key=lambda row: row["rain"] or 0) == [
        {"day": b"Tue", "stop": 2**63 - 1, "rain": -2500.0, "late": 0},
        {"day": None, "stop": None, "rain": None, "late": 0},
        {"day": 'Mon, "wet" 東'.encode(), "stop": 7, "rain": 0.5, "late": 1},
    ]


def test_every_labelled_row_is_in_one_split(tmp_path: Path) -> None:
    counted = convert(tmp_path / "out", written(tmp_path, *many()))

    assert sum(counted[split] for split in SPLITS) == 300
    assert sorted(row["stop"] for row in all_rows(tmp_path / "out")) == list(range(300))
    assert {split: len(rows_of(tmp_path / "out", split)) for split in SPLITS} == {s: counted[s] for s in SPLITS}


def test_the_count_of_rows_stands_beside_them(tmp_path: Path) -> None:
    counted = convert(tmp_path / "out", written(tmp_path, *many()))

    assert json.loads((tmp_path / "out" / "rows.json").read_text(encoding="utf-8")) == counted


def test_rows_without_a_label_are_left_out_and_counted(tmp_path: Path) -> None:
    counted = convert(tmp_path / "out", written(tmp_path, "Mon,1,1,1", "Mon,2,1,", 'Mon,3,1,""', "Mon,4,1,0"))

    assert counted["unlabelled"] == 2
    assert sorted(row["stop"] for row in all_rows(tmp_path / "out")) == [1, 4]


def test_the_files_of_a_span_are_one(tmp_path: Path) -> None:
    files = [written(tmp_path, "Mon,1,1,1", name="a.csv"), written(tmp_path, "Mon,2,1,", "Mon,3,1,0", name="b.csv")]

    counted = convert(tmp_path / "out", *files)

    assert counted["unlabelled"] == 1
    assert sorted(row["stop"] for row in all_rows(tmp_path / "out")) == [1, 3]


def test_rows_of_one_key_share_the_split_that_tfx_would_give_them(tmp_path: Path) -> None:
    convert(tmp_path / "out", written(tmp_path, *many()), key="day")

    splits = {split: {row["day"] for row in rows_of(tmp_path / "out", split)} for split in SPLITS}

    days = [f"day-{day}".encode() for day in range(30)]
    numbers = assign(days, Split()).tolist()
    assert splits == {
        split: {day for day, number in zip(days, numbers, strict=True) if number == place}
        for place, split in enumerate(SPLITS)
    }


@pytest.mark.parametrize("key", ["day", "stop", None])
def test_a_rows_split_does_not_hang_on_its_place_or_its_file(tmp_path: Path, key: str | None) -> None:
    rows = many()
    convert(tmp_path / "one", written(tmp_path, *rows), key=key)
    parts = [written(tmp_path, *rows[200:], name="b.csv"), written(tmp_path, *reversed(rows[:200]), name="c.csv")]
    convert(tmp_path / "two", *parts, key=key)

    for split in SPLITS:
        one, two = ({row["stop"] for row in rows_of(tmp_path / name, split)} for name in ("one", "two"))
        assert one == two


def test_what_else_a_row_says_does_not_move_it(tmp_path: Path) -> None:
    convert(tmp_path / "one", written(tmp_path, *many()), key="stop")
    convert(tmp_path / "two", written(tmp_path, *[f"other,{row},,1" for row in range(300)]), key="stop")

    for split in SPLITS:
        one, two = ({row["stop"] for row in rows_of(tmp_path / name, split)} for name in ("one", "two"))
        assert one == two


def test_equal_rows_share_a_split_where_there_is_no_key(tmp_path: Path) -> None:
    convert(tmp_path / "out", written(tmp_path, *many(count=100) * 2))

    for split in SPLITS:
        assert set(Counter(row["stop"] for row in rows_of(tmp_path / "out", split)).values()) <= {2}
    assert len(all_rows(tmp_path / "out")) == 200


def test_a_sample_is_the_same_each_time(tmp_path: Path) -> None:
    file = written(tmp_path, *many())
    for name in ("one", "two"):
        convert(tmp_path / name, file, key="day", sample_rows=50)

    assert len(all_rows(tmp_path / "one")) == 50
    assert all_rows(tmp_path / "one") == all_rows(tmp_path / "two")


@pytest.mark.parametrize("other", [{"seed": 8}, {"span": 2}])
def test_another_seed_or_span_is_another_sample(tmp_path: Path, other: dict[str, int]) -> None:
    file = written(tmp_path, *many())
    convert(tmp_path / "one", file, sample_rows=50)
    convert(tmp_path / "two", file, sample_rows=50, **other)

    assert {row["stop"] for row in all_rows(tmp_path / "one")} != {row["stop"] for row in all_rows(tmp_path / "two")}


def test_a_sample_takes_labelled_rows_and_leaves_each_in_its_split(tmp_path: Path) -> None:
    file = written(tmp_path, *many(), *[f"day-1,{row},1," for row in range(1000, 2000)])
    convert(tmp_path / "whole", file, key="day")

    counted = convert(tmp_path / "sampled", file, key="day", sample_rows=100)

    assert (counted["unlabelled"], sum(counted[split] for split in SPLITS)) == (1000, 100)
    for split in SPLITS:
        whole = {row["stop"] for row in rows_of(tmp_path / "whole", split)}
        assert {row["stop"] for row in rows_of(tmp_path / "sampled", split)} <= whole


@pytest.mark.parametrize(("rows", "kept"), [(None, 6), (6, 6), (9, 6), (4, 4), (1, 1)])
def test_a_sample_keeps_the_order_and_repeats_nothing(rows: int | None, kept: int) -> None:
    taken = sample(pa.table({"a": list(range(6))}), rows, seed=3)["a"].to_pylist()

    assert len(taken) == kept
    assert taken == sorted(set(taken))


def test_a_missing_value_is_a_null_list(tmp_path: Path) -> None:
    file = written(tmp_path, "Mon,1,,1", ",,2.5,0")
    batch = read_csv(file, columns(SCHEMA)).to_batches()[0]

    assert as_lists(batch).to_pydict() == {
        "day": [[b"Mon"], None],
        "stop": [[1], None],
        "rain": [None, [2.5]],
        "late": [[1], [0]],
    }


def test_rows_beyond_one_batch_are_all_there_in_order(tmp_path: Path) -> None:
    counted = convert(tmp_path / "out", written(tmp_path, *[f"Mon,{row},1,1" for row in range(5000)]), key="day")

    assert max(counted.values()) == 5000
    assert [row["stop"] for row in all_rows(tmp_path / "out")] == list(range(5000))


def test_no_labelled_row_is_named_with_the_column(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"{tmp_path}: no row has a label in column 'late'"):
        convert(tmp_path / "out", written(tmp_path, "Mon,1,1,", "Mon,2,1,"))
    assert not (tmp_path / "out").exists()


def test_a_row_without_a_split_key_is_named_by_file_and_line(tmp_path: Path) -> None:
    good = written(tmp_path, "Mon,1,1,1", name="a.csv")
    bad = written(tmp_path, '"Mo\nn",1,1,1', ",2,1,", "", ",3,1,1", name="b.csv")

    with pytest.raises(InputError) as caught:
        convert(tmp_path / "out", good, bad, key="day", sample_rows=1)

    # The row before it has no key either, but no label, so that it is left out.
    assert str(caught.value) == f"{bad}:6: column 'day' is empty. Rows are split by it."
    assert not (tmp_path / "out").exists()


def test_a_fault_in_the_last_file_writes_nothing(tmp_path: Path) -> None:
    files = [written(tmp_path / "in", *many(), name="a.csv"), written(tmp_path / "in", "Mon,x,1,1", name="b.csv")]

    with pytest.raises(InputError, match=r"b\.csv:2: column 'stop': expected an integer"):
        convert(tmp_path / "out", *files)

    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the next write end when it has written one split whole."""
    whole = examples.write_examples

    def ends(table: pa.Table, schema: schema_pb2.Schema, folder: Path) -> None:
        if folder.name != f"Split-{SPLITS[0]}":
            raise KeyboardInterrupt
        whole(table, schema, folder)

    monkeypatch.setattr(examples, "write_examples", ends)


def test_an_interrupted_write_leaves_nothing_that_looks_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path / "in", *many())
    interrupt(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        convert(tmp_path / "out", file)

    assert not (tmp_path / "out").exists()
    assert (tmp_path / "out.partial" / "Split-train").is_dir()
    assert not list(tmp_path.rglob("rows.json"))

    monkeypatch.undo()
    counted = convert(tmp_path / "out", file)

    assert len(all_rows(tmp_path / "out")) == sum(counted[split] for split in SPLITS) == 300
    assert not (tmp_path / "out.partial").exists()


def test_an_interrupted_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    convert(tmp_path / "out", written(tmp_path / "in", *many()))
    before = all_rows(tmp_path / "out")
    fewer = written(tmp_path / "in", *many(count=10))
    interrupt(monkeypatch)

    with pytest.raises(KeyboardInterrupt):
        convert(tmp_path / "out", fewer)

    assert all_rows(tmp_path / "out") == before


def test_a_second_write_replaces_the_first(tmp_path: Path) -> None:
    convert(tmp_path / "out", written(tmp_path, *many()))

    convert(tmp_path / "out", written(tmp_path, *many(count=10)))

    assert sorted(row["stop"] for row in all_rows(tmp_path / "out")) == list(range(10))


def test_a_split_without_rows_is_an_empty_file(tmp_path: Path) -> None:
    counted = convert(tmp_path / "out", written(tmp_path, "Mon,1,1,1"), key="day")

    assert sorted(counted[split] for split in SPLITS) == [0, 0, 1]
    assert all(len(list((tmp_path / "out" / f"Split-{split}").glob("*.gz"))) == 1 for split in SPLITS)
