"""Rows serialized whole columns at a time are what protobuf's own deterministic serialization gives."""

import pyarrow as pa
import pytest
import tensorflow as tf

from ingestion.serialized import feature_bytes, serialized
from tests.ingestion.span_case import example, feature

ROWS = [
    {"day": "Mon", "stop": 7, "rain": 0.5},
    {"day": None, "stop": None, "rain": None},
    {"day": "", "stop": 0, "rain": -0.0},
    {"day": "東京 \0x", "stop": -1, "rain": 3.4e38},
    {"day": "x" * 20_000, "stop": 2**63 - 1, "rain": 1e-45},
    {"day": "x" * 127, "stop": -(2**63), "rain": None},
    {"day": "x" * 128, "stop": 128, "rain": 16777217.0},
]
TYPES = pa.schema([("stop", pa.int64()), ("rain", pa.float32()), ("day", pa.string())])


def filled(row: dict[str, object]) -> tf.train.Example:
    """The row's Example with a feature without a value for each that is missing."""
    found = example(row)
    for name in row:
        found.features.feature[name].SetInParent()
    return found


def test_a_row_is_serialized_as_by_protobuf() -> None:
    table = pa.Table.from_pylist(ROWS, TYPES)

    assert serialized(table) == [filled(row).SerializeToString(deterministic=True) for row in ROWS]


@pytest.mark.parametrize("start", range(len(ROWS)))
def test_a_row_is_the_same_whatever_stands_around_it(start: int) -> None:
    table = pa.Table.from_pylist(ROWS, TYPES)
    pieces = pa.concat_tables([table.slice(start), table.slice(0, start)]).select(["day", "rain", "stop"])

    assert serialized(pieces) == serialized(table)[start:] + serialized(table)[:start]
    assert serialized(table.slice(start, 1)) == serialized(table)[start : start + 1]


def test_columns_that_are_empty_throughout_are_features_without_a_value() -> None:
    rows = [{"day": None, "stop": None, "rain": None}] * 2

    assert serialized(pa.Table.from_pylist(rows, TYPES)) == [
        filled(row).SerializeToString(deterministic=True) for row in rows
    ]


def test_no_row_is_no_example() -> None:
    assert serialized(pa.Table.from_pylist([], TYPES)) == []


@pytest.mark.parametrize("value", ["", "東京", b"\xff\0", 0, 127, 128, -1, 2**63 - 1, -(2**63)])
def test_a_value_is_serialized_as_by_protobuf(value: str | bytes | int) -> None:
    assert feature_bytes(value) == feature(value).SerializeToString(deterministic=True)
