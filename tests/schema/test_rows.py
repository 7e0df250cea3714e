"""Literal schemas to columns."""

from pathlib import Path

import pytest

from schema.errors import InputError
from schema.rows import Column, Kind, columns, read_schema


def read(folder: Path, content: str | bytes) -> dict[str, Column]:
    """The columns of a schema with this content."""
    path = folder / "schema.pbtxt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return columns(read_schema(path))


def test_the_three_types_and_an_integers_domain(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
        feature { name: "soil" type: BYTES }
        feature { name: "week" type: INT int_domain { min: 1 max: 53 } }
        feature { name: "rain" type: FLOAT float_domain { min: 0 max: 9 } }
        """,
    )

    assert list(found.values()) == [
        Column("soil", Kind.STRING),
        Column("week", Kind.INTEGER, 1, 53),
        Column("rain", Kind.NUMBER),
    ]


@pytest.mark.parametrize(
    ("domain", "ends"),
    [
        ("", (None, None)),
        ("int_domain {}", (None, None)),
        ("int_domain { is_categorical: true }", (None, None)),
        ("int_domain { max: 5 }", (None, 5)),
        ("int_domain { min: -2 }", (-2, None)),
        ("int_domain { min: 0 max: 0 }", (0, 0)),
    ],
)
def test_an_end_that_is_not_set_is_not_0(tmp_path: Path, domain: str, ends: tuple[int | None, int | None]) -> None:
    week = read(tmp_path, f'feature {{ name: "week" type: INT {domain} }}')["week"]

    assert (week.minimum, week.maximum) == ends


def test_columns_stand_in_the_schemas_order(tmp_path: Path) -> None:
    found = read(tmp_path, "".join(f'feature {{ name: "{name}" type: INT }}\n' for name in "zma"))

    assert list(found) == ["z", "m", "a"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (
            'feature { name: "a" type: STRUCT }',
            "schema.pbtxt: feature 'a': expected type BYTES, INT or FLOAT. Received: STRUCT",
        ),
        (
            'feature { name: "a" }',
            "schema.pbtxt: feature 'a': expected type BYTES, INT or FLOAT. Received: TYPE_UNKNOWN",
        ),
        (
            'feature { name: "a" type: INT } feature { name: "b" type: INT } feature { name: "a" type: INT }',
            "schema.pbtxt: feature 'a' is given twice",
        ),
        ('feature { name: "a" type: INT } feature { type: INT }', "schema.pbtxt: a feature without a name, after a"),
    ],
)
def test_a_feature_that_is_no_column_is_refused(tmp_path: Path, content: str, fault: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)

    assert str(caught.value) == fault


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ('feature { name: "a" type: INT }\nfeature { nmae: "b" }\n', "schema.pbtxt: not a schema: 2:11"),
        ('feature { name: "a" type: NUMBER }', "schema.pbtxt: not a schema: 1:27"),
        ('feature { name: "a"', "schema.pbtxt: not a schema: 1:"),
        (b'feature { name: "\xe9" }', "schema.pbtxt: not a schema: 'utf-8'"),
    ],
)
def test_what_is_no_schema_is_refused_with_its_line(tmp_path: Path, content: str | bytes, fault: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)

    assert str(caught.value).startswith(f"{tmp_path}/{fault}")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.pbtxt: no such file"):
        read_schema(tmp_path / "nowhere.pbtxt")
    with pytest.raises(InputError, match="Is a directory"):
        read_schema(tmp_path)
