"""Numbers as people read them: a zero has no minus."""

import pytest

from schema.rounding import metric_form, metric_text, rounded


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


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        (0.7183, "0.7183"),
        (377.4812, "377.4812"),
        (0.0, "0.0000"),
        (3.2e-10, "3.200e-10"),
        (-3.2e-10, "-3.200e-10"),
        (0.0009, "9.000e-04"),
        (123456789.0, "1.235e+08"),
        (float("inf"), "inf"),
    ],
)
def test_a_metric_shows_four_digits_in_whatever_unit(metric: float, text: str) -> None:
    assert metric_text(metric) == text


def test_a_change_has_the_places_of_its_metric() -> None:
    assert rounded(-4e-6, metric_form(0.7, "+")) == "+0.0000"
    assert rounded(-4e-12, metric_form(3e-10, "+")) == "-4.000e-12"
    assert metric_form(None) == ".4f"
