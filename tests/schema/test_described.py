"""What a schema says of its columns: descriptions without their units, units, and the ends of domains."""

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from schema.described import Described, described, in_digits

SCHEMA = text_format.Parse(
    """
    feature { name: "speed" annotation { tag: "unit: mph" comment: "at the origin, mph" } float_domain { min: 0.1 } }
    feature { name: "seats" annotation { tag: "curated" tag: "unit:seats" comment: "seats" } int_domain { max: 900 } }
    feature { name: "day" annotation { comment: "of departure, 1 is Monday" } int_domain { min: 1 max: 7 } }
    feature { name: "minute" annotation { tag: "unit: minutes" comment: "minutes after midnight" } }
    feature { name: "port" string_domain { value: "JFK" } }
    """,
    schema_pb2.Schema(),
)


def test_columns_are_described() -> None:
    assert described(SCHEMA) == {
        "speed": Described("at the origin", "mph", 0.1, None),
        "seats": Described("", "seats", None, 900),
        "day": Described("of departure, 1 is Monday", "", 1, 7),
        "minute": Described("minutes after midnight", "minutes"),
        "port": Described(),
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (20131231, "20131231"),
        (-20131231.0, "-20131231"),
        (2**63 - 1, "9223372036854775807"),
        (0.0, "0"),
        (40.0, "40"),
        (0.10000000149011612, "0.1"),
        (1234.56789, "1234.57"),
        (1e300, "1e+300"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
    ],
)
def test_a_whole_value_is_shown_with_all_its_digits(value: float, text: str) -> None:
    assert in_digits(value) == text
