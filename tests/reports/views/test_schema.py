"""The schema as a table."""

from reports.views.schema import Schema
from schema.rows import Column, Kind


def test_a_line_says_type_use_presence_and_domain() -> None:
    columns = [
        Column("week", Kind.INTEGER, 1, 53),
        Column("age", Kind.INTEGER, minimum=0),
        Column("site", Kind.STRING, values=tuple("abcdefghij")),
        Column("rain", Kind.NUMBER),
    ]

    found = Schema(columns, {"week": 1.0, "age": 0.5}, {"week": "input, identity"}).table()

    assert [[cell.text for cell in line] for line in found.rows] == [
        ["week", "input, identity", "integer", "100", "1 to 53"],
        ["age", "not used", "integer", "50", "from 0"],
        ["site", "not used", "string", "0", "a, b, c, d, e, f, g, h and 2 more"],
        ["rain", "not used", "number", "0", ""],
    ]
