"""TFRecord files of tf.Examples to typed columns, and the file and record of whatever does not fit."""

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from ingestion.block import Block, FirstRows
from ingestion.tfrecord_reader import check, cut, first_rows, read
from schema.errors import InputError
from schema.precision import Precision
from schema.rows import Column, Kind
from tests.ingestion.span_case import Row, feature, write_tfrecord

COLUMNS = {
    "city": Column("city", Kind.STRING),
    "count": Column("count", Kind.INTEGER),
    "share": Column("share", Kind.NUMBER),
}
OSLO: Row = {"city": "Oslo", "count": 1, "share": 0.5}
SIZE = 1 << 20


def rows(path: Path, size: int = SIZE) -> list[tuple[Any, ...]]:
    """The rows of a file."""
    return [
        tuple(row.values())
        for block in cut(path, COLUMNS, size)
        for part in read(block, COLUMNS, size)
        for row in part.table.to_pylist()
    ]


def told(path: Path, size: int = SIZE) -> str:
    """What is said of a file, without the folder."""
    with pytest.raises(InputError) as caught:
        rows(path, size)
    return str(caught.value).replace(f"{path.parent}/", "")


@pytest.mark.parametrize("name", ["a.tfrecord", "a.tfrecord.gz", "data_tfrecord-00000-of-00001.gz"])
def test_a_record_is_a_row_of_its_values(tmp_path: Path, name: str) -> None:
    path = write_tfrecord(tmp_path, [OSLO, {"count": -(2**63)}, {}, {"city": "東京", "share": -1.5}], name=name)

    assert rows(path) == [("Oslo", 1, 0.5), (None, -(2**63), None), (None, None, None), ("東京", None, -1.5)]


def test_columns_have_the_schemas_types_and_order(tmp_path: Path) -> None:
    (part,) = read(Block(write_tfrecord(tmp_path, [{"share": 0.5}])), COLUMNS, SIZE)

    assert [(field.name, str(field.type)) for field in part.table.schema] == [
        ("city", "string"),
        ("count", "int64"),
        ("share", "float"),
    ]


def test_a_list_without_values_and_a_feature_without_a_list_are_missing(tmp_path: Path) -> None:
    features = {"city": tf.train.Feature(), "count": tf.train.Feature(int64_list=tf.train.Int64List())}
    example = tf.train.Example(features=tf.train.Features(feature=features))
    with tf.io.TFRecordWriter(str(tmp_path / "a.tfrecord")) as writer:
        writer.write(example.SerializeToString())

    assert rows(tmp_path / "a.tfrecord") == [(None, None, None)]


def test_an_empty_string_is_not_missing(tmp_path: Path) -> None:
    assert rows(write_tfrecord(tmp_path, [{"city": ""}]))[0][0] == ""


@pytest.mark.parametrize("size", [1, 10_000, SIZE])
@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"city": ["a", "b"]}, "feature 'city': expected one value or none. Received: 2"),
        ({"count": 1.5}, "feature 'count': expected int64_list. Received: float_list"),
        ({"share": 1}, "feature 'share': expected float_list. Received: int64_list"),
        ({"city": 7}, "feature 'city': expected bytes_list. Received: int64_list"),
        ({"colour": "red"}, "feature 'colour' is not in the schema. Known keys: city, count, share."),
        ({"cuont": 1}, "feature 'cuont' is not in the schema. Did you mean 'count'?"),
        ({"share": float("nan")}, "column 'share': expected a finite number of 32 bits. Received: nan"),
        ({"share": float("inf")}, "column 'share': expected a finite number of 32 bits. Received: inf"),
        ({"city": "a\0"}, "column 'city': expected text without a NUL byte. Received: b'a\\x00'"),
        ({"city": b"\xff"}, "column 'city': expected UTF-8 text. Received: b'\\xff'"),
    ],
)
def test_a_feature_that_does_not_fit_is_named_by_its_record(tmp_path: Path, row: Row, fault: str, size: int) -> None:
    path = write_tfrecord(tmp_path, [*[OSLO] * 20, row, {"city": 8}])

    assert told(path, size) == f"a.tfrecord.gz: record 21: {fault}"


def test_a_first_record_that_does_not_fit_is_told_by_a_look_at_the_file(tmp_path: Path) -> None:
    path = write_tfrecord(tmp_path, [{"colour": "red"}])

    with pytest.raises(InputError, match=r"record 1: feature 'colour' is not in the schema"):
        check(path, COLUMNS)


def test_a_record_that_is_no_example_is_named(tmp_path: Path) -> None:
    with tf.io.TFRecordWriter(str(tmp_path / "a.tfrecord")) as writer:
        writer.write(tf.train.Example(features=tf.train.Features(feature={"count": feature(1)})).SerializeToString())
        writer.write(b"\xff\xff\xff no Example")

    assert told(tmp_path / "a.tfrecord").startswith("a.tfrecord: record 2: not a tf.Example: ")


@pytest.mark.parametrize("name", ["a.tfrecord", "a.tfrecord.gz"])
@pytest.mark.parametrize("lost", [1, 4, 9, 20, 25, 30, 33, 38, 50])
def test_a_file_that_was_cut_short_is_named_with_the_record(tmp_path: Path, name: str, lost: int) -> None:
    path = write_tfrecord(tmp_path, [{"count": row * 7919} for row in range(50)], name=name)
    path.write_bytes(path.read_bytes()[:-lost])

    message = told(path)

    assert 40 <= int(message.removeprefix(f"{name}: record ").split(":")[0]) <= 51
    assert ": not readable, " in message
    assert told(path, 1) == message


def test_a_record_whose_bytes_were_changed_is_named(tmp_path: Path) -> None:
    path = write_tfrecord(tmp_path, [OSLO] * 20, name="a.tfrecord")
    content = bytearray(path.read_bytes())
    content[len(content) // 20 * 12 + 20] ^= 0xFF
    path.write_bytes(bytes(content))

    assert told(path).startswith("a.tfrecord: record 13: not readable")


@pytest.mark.parametrize("name", ["a.tfrecord", "a.tfrecord.gz"])
def test_another_format_under_the_name_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("city,count,share\nOslo,1,0.5\n", encoding="utf-8")

    assert told(tmp_path / name).startswith(f"{name}: record 1: not readable, look for a cut or another format than ")


def test_a_file_without_records_is_refused(tmp_path: Path) -> None:
    assert told(write_tfrecord(tmp_path, [])) == "a.tfrecord.gz: no records. Expected at least one."


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    assert told(tmp_path / "nowhere.tfrecord").startswith("nowhere.tfrecord: ")


def test_the_first_records_tell_what_does_not_fit_or_what_float32_keeps(tmp_path: Path) -> None:
    # 2^30 is a float32, and 2^30 + 30 is rounded to it.
    path = write_tfrecord(tmp_path, [{"count": 2**30}, {"share": 0.5}, {"count": 2**30 + 30}])
    assert first_rows(path, COLUMNS) == FirstRows([], {"count": Precision(2, 2**30 + 15.0, 450.0, 30.0**2)})

    path = write_tfrecord(tmp_path, [OSLO, {"count": 1.5}])
    fault = "record 2: feature 'count': expected int64_list. Received: float_list"
    assert first_rows(path, COLUMNS) == FirstRows([f"{path}: {fault}"])

    path = write_tfrecord(tmp_path, [])
    assert first_rows(path, COLUMNS) == FirstRows([f"{path}: no records. Expected at least one."])
