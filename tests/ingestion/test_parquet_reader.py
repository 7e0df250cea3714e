"""Parquet files of many types to the schema's three, and the file, column and row of whatever does not fit."""

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from ingestion.parquet_reader import check, cut, first_rows, read
from schema.errors import InputError
from schema.precision import Precision
from schema.rows import Column, Kind

COLUMNS = {
    "city": Column("city", Kind.STRING),
    "count": Column("count", Kind.INTEGER),
    "share": Column("share", Kind.NUMBER),
}
SIZE = 1 << 20


def write(folder: Path, group: int = 1000, **changes: pa.Array) -> Path:
    """A file of three rows, with other columns in place of its own."""
    table = {
        "city": pa.array(["Oslo", None, "Rome"]),
        "count": pa.array([1, None, 3]),
        "share": pa.array([0.5, None, 2]),
    }
    parquet.write_table(pa.table({**table, **changes}), folder / "a.parquet", row_group_size=group)
    return folder / "a.parquet"


def rows(path: Path, size: int = SIZE) -> list[tuple[Any, ...]]:
    """The rows of a file."""
    return [
        tuple(row.values())
        for block in cut(path, COLUMNS, size)
        for part in read(block, COLUMNS, size)
        for row in part.table.to_pylist()
    ]


def told(path: Path) -> str:
    """What is said of a file, without the folder."""
    with pytest.raises(InputError) as caught:
        rows(path)
    return str(caught.value).replace(f"{path.parent}/", "")


def test_columns_have_the_schemas_types_and_order(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"share": [0.5], "count": pa.array([3], pa.int8()), "city": ["Oslo"]}), path)

    (part,) = (part for block in cut(path, COLUMNS, SIZE) for part in read(block, COLUMNS, SIZE))

    assert [(field.name, str(field.type)) for field in part.table.schema] == [
        ("city", "string"),
        ("count", "int64"),
        ("share", "float"),
    ]
    assert part.table.to_pylist() == [{"city": "Oslo", "count": 3, "share": 0.5}]


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("city", pa.array(["Oslo", None, "Rome"], pa.large_string())),
        ("city", pa.array(["Oslo", None, "Rome"]).dictionary_encode()),
        ("city", pa.array([b"Oslo", None, b"Rome"])),
        ("count", pa.array([1, None, 3], pa.int8())),
        ("count", pa.array([1, None, 3], pa.uint64())),
        ("count", pa.array([1, None, 3], pa.int32()).dictionary_encode()),
        ("count", pa.array([1.0, None, 3.0])),
        ("share", pa.array([0.5, None, 2], pa.float32())),
        ("share", pa.array([np.float16(0.5), None, np.float16(2)])),
        ("share", pa.array([Decimal("0.5"), None, Decimal("2.0")])),
    ],
    ids=lambda held: str(held.type) if isinstance(held, pa.Array) else held,
)
def test_a_type_that_holds_the_same_is_taken(tmp_path: Path, name: str, array: pa.Array) -> None:
    assert rows(write(tmp_path, **{name: array})) == [("Oslo", 1, 0.5), (None, None, None), ("Rome", 3, 2.0)]


def test_a_day_is_text_as_in_csv(tmp_path: Path) -> None:
    days = pa.array([datetime.date(2013, 1, 31), None, datetime.date(987, 12, 1)])

    assert [row[0] for row in rows(write(tmp_path, city=days))] == ["2013-01-31", None, "0987-12-01"]


def test_truth_is_an_integer_and_an_integer_a_number(tmp_path: Path) -> None:
    path = write(tmp_path, count=pa.array([True, False, None]), share=pa.array([2**24 + 1, -1, None]))

    assert [row[1:] for row in rows(path)] == [(1, 2.0**24), (0, -1.0), (None, None)]


def test_a_column_of_nothing_fits_any_kind(tmp_path: Path) -> None:
    path = write(tmp_path, **{name: pa.nulls(3) for name in COLUMNS})

    assert rows(path) == [(None, None, None)] * 3


def test_an_empty_string_is_not_missing(tmp_path: Path) -> None:
    assert [row[0] for row in rows(write(tmp_path, city=pa.array(["", None, " "])))] == ["", None, " "]


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 2**53 + 1])
def test_no_digit_of_an_integer_is_lost(tmp_path: Path, number: int) -> None:
    assert rows(write(tmp_path, count=pa.array([number, 0, None])))[0][1] == number


@pytest.mark.parametrize(
    ("name", "array", "expected"),
    [
        (
            "city",
            pa.array([1, 2, 3]),
            "or date32 as 2013-01-31). Received: int64",
        ),
        ("city", pa.array([datetime.datetime(2013, 1, 1)] * 3), "Received: timestamp[us]"),
        ("count", pa.array(["1", "2", "3"]), "whole). Received: string"),
        ("count", pa.array([[1], [2], [3]]), "Received: list<element: int64>"),
        ("count", pa.array([Decimal("1.0")] * 3), "Received: decimal128(2, 1)"),
        ("share", pa.array([True, False, True]), "expected numbers (integer, floating or decimal). Received: bool"),
        ("share", pa.array(["x", "y", "z"]).dictionary_encode(), "Received: dictionary<values=string"),
        ("share", pa.array([datetime.datetime(2013, 1, 1)] * 3), "Received: timestamp[us]"),
    ],
)
def test_a_type_that_does_not_fit_is_named_before_any_row(
    tmp_path: Path, name: str, array: pa.Array, expected: str
) -> None:
    path = write(tmp_path, **{name: array})

    with pytest.raises(InputError) as caught:
        check(path, COLUMNS)

    assert str(caught.value).startswith(f"{path}: column '{name}': expected ")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("name", "array", "fault"),
    [
        (
            "count",
            pa.array([1, None, 2**63], pa.uint64()),
            "expected an integer of 64 bits. Received: 9223372036854775808",
        ),
        ("count", pa.array([1, None, 1.5]), "expected an integer. Received: 1.5"),
        ("count", pa.array([1, None, float("nan")]), "expected an integer. Received: nan"),
        ("count", pa.array([1, None, 2.0**63]), "expected an integer. Received: 9.223372036854776e+18"),
        ("share", pa.array([1, None, float("nan")]), "expected a finite number of 32 bits. Received: nan"),
        ("share", pa.array([1, None, -float("inf")]), "expected a finite number of 32 bits. Received: -inf"),
        ("share", pa.array([1, None, 1e39]), "expected a finite number of 32 bits. Received: 1e+39"),
        (
            "share",
            pa.array([np.float16(1), None, np.float16("inf")]),
            "expected a finite number of 32 bits. Received: inf",
        ),
        ("city", pa.array(["a", None, "b\0"]), "expected text without a NUL byte. Received: 'b\\x00'"),
        ("city", pa.array([b"a", None, b"\xff"]), "expected UTF-8 text. Received: b'\\xff'"),
    ],
)
@pytest.mark.parametrize("group", [1, 2, 1000])
def test_a_value_that_does_not_fit_is_named_by_row_and_column(
    tmp_path: Path, name: str, array: pa.Array, fault: str, group: int
) -> None:
    assert told(write(tmp_path, group, **{name: array})) == f"a.parquet: row 3: column '{name}': {fault}"


def test_the_first_row_that_does_not_fit_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, city=pa.array(["a", "b", "\0"]), share=pa.array([1, float("nan"), 1]))

    assert told(path).startswith("a.parquet: row 2: column 'share'")


@pytest.mark.parametrize("group", [1, 7, 30, 1000])
@pytest.mark.parametrize("size", [1, 100, 3000, SIZE])
def test_rows_and_their_places_do_not_hang_on_blocks(tmp_path: Path, group: int, size: int) -> None:
    path = write(
        tmp_path,
        group,
        city=pa.array([f"c{row}" for row in range(100)]),
        count=pa.array(range(100)),
        share=pa.array([row / 2 for row in range(100)]),
    )
    parts = [part for block in cut(path, COLUMNS, size) for part in read(block, COLUMNS, size)]

    assert rows(path, size) == [(f"c{row}", row, row / 2) for row in range(100)]
    places = [part.place(row) for part in parts for row in range(part.table.num_rows)]
    assert places == [f"{path}: row {row}" for row in range(1, 101)]
    assert len(parts) == 100 or size > 1


def test_blocks_are_runs_of_row_groups_of_about_the_size(tmp_path: Path) -> None:
    path = write(
        tmp_path, 10, **{name: pa.array(range(100)) for name in ("count", "share")}, city=pa.array(["x"] * 100)
    )
    group_bytes = parquet.ParquetFile(path).metadata.row_group(0).total_byte_size

    blocks = list(cut(path, COLUMNS, 3 * group_bytes))

    assert [(block.number, block.offset, block.length, block.first) for block in blocks] == [
        (0, 0, 3, 1),
        (1, 3, 3, 31),
        (2, 6, 3, 61),
        (3, 9, 1, 91),
    ]


def test_columns_are_compared_with_the_schemas(tmp_path: Path) -> None:
    assert told(write(tmp_path, extra=pa.nulls(3))).startswith("a.parquet: column 'extra' is not in the schema.")
    parquet.write_table(pa.table({"city": ["x"], "count": [1]}), tmp_path / "a.parquet")
    assert told(tmp_path / "a.parquet") == ("a.parquet: column 'share' of the schema is missing. Received: city, count")


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    empty = {"city": pa.array([], pa.string()), "count": pa.array([], pa.int64()), "share": pa.array([], pa.float32())}

    assert told(write(tmp_path, **empty)) == "a.parquet: no rows. Expected at least one row."


@pytest.mark.parametrize("content", [b"", b"city,count,share\n", b"PAR1" + b"x" * 100])
def test_what_is_no_parquet_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.parquet").write_bytes(content)

    assert told(tmp_path / "a.parquet").startswith("a.parquet: not a Parquet file: ")


def test_a_file_that_was_damaged_is_named(tmp_path: Path) -> None:
    path = write(tmp_path)
    content = bytearray(path.read_bytes())
    content[4:40] = b"\xff" * 36
    path.write_bytes(bytes(content))

    assert told(path).startswith("a.parquet: not a whole Parquet file: ")


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    assert told(tmp_path / "nowhere.parquet").startswith("nowhere.parquet: No such file")


def test_all_that_does_not_fit_in_the_first_rows_is_told_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path, count=pa.array([1.0, None, 2.5]), share=pa.array(["a", "b", "c"]), colour=pa.array([1, 2, 3])
    )
    assert [fault.replace(f"{path.parent}/", "") for fault in first_rows(path, COLUMNS).faults] == [
        "a.parquet: column 'colour' is not in the schema. Known keys: city, count, share.",
        "a.parquet: column 'share': expected numbers (integer, floating or decimal). Received: string",
        "a.parquet: row 3: column 'count': expected an integer. Received: 2.5",
    ]
    assert first_rows(write(tmp_path), COLUMNS).faults == []


def test_a_column_that_does_not_fit_hides_not_what_float32_keeps_of_the_others(tmp_path: Path) -> None:
    numbers = pa.array([1.7e9 + 30, 1.7e9 + 31, None])
    found = first_rows(write(tmp_path, count=pa.array([1.0, None, 2.5]), share=numbers), COLUMNS)
    assert len(found.faults) == 1
    # Of the middle 98 %, here both numbers; 1.7e9 is a multiple of 128, the step of float32.
    assert found.precision == {"share": Precision(2, 1.7e9 + 30.5, 0.5, 30.0**2 + 31.0**2)}
