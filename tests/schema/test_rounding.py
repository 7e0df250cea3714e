"""Numbers as people read them: a zero has no minus."""

import pytest

from schema.rounding import rounded


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (-1e-8, ".4f", "0.0000"),
        (-1e-8, "+.4f", "+0.0000"),
        (-0.2, ",.0f", "0"),
        (-0.0, ".6g", "0"),
        (-0.00006, "+.4f", "-0.0001"),
        (-12345.6, ",.0f", "-12,346"),
        (7, ",.0f", "7"),
        (183056, ",d", "183,056"),
        (-7, "+d", "-7"),
    ],
)
def test_what_is_rounded_to_zero_has_no_minus(value: float, form: str, text: str) -> None:
    assert rounded(value, form) == text
