"""HTML from numbers and texts: escaped, sortable, and readable without colours."""

import re

import pytest

from reports.artifacts.intervals import Estimate
from reports.charts.canvas import filled
from reports.render.html import (
    BAD,
    GOOD,
    UNDEFINED,
    Absent,
    Cell,
    Column,
    Table,
    interval,
    number,
    render,
    style,
    words,
)

EVIL = '<script>alert("x")</script>'


def shown(*cells: Cell) -> str:
    """A table of one line."""
    table = Table(EVIL, [Column(EVIL, EVIL)] * len(cells), [cells])
    return str(render("table.html", page=True, it=table))


def test_what_users_name_is_text_and_not_markup() -> None:
    html = shown(words(EVIL), words(EVIL, BAD))

    assert "<script>" not in html
    assert html.count("&lt;script&gt;") >= 6


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_no_number_is_said_to_be_none_and_sorts_last(value: float | None) -> None:
    cell = number(value, ".2f")

    assert (cell.text, cell.value, cell.sort) == (UNDEFINED, None, float("-inf"))


def test_a_cell_carries_the_number_it_rounds() -> None:
    assert 'data-value="0.72908986"' in shown(number(0.72908986, ".2f"))
    assert ">0.73</td>" in re.sub(r"\s", "", shown(number(0.72908986, ".2f")))


def test_an_interval_stands_beside_its_number() -> None:
    assert interval(Estimate(0.5, 0.4, 0.6), ".2f").text == "0.50 [0.40, 0.60]"
    assert interval(Estimate(0.5), ".2f").text == "0.50"
    assert interval(Estimate(float("nan"), 0.1, 0.2), ".2f").text == UNDEFINED


def test_a_mark_is_a_sign_as_well_as_a_colour() -> None:
    assert words("held", GOOD).marked == "✓ held"
    assert words("missed", BAD).marked == "✗ missed"


def test_a_view_brings_its_style_to_a_notebook_and_leaves_it_to_a_page() -> None:
    view = Absent("Drift", f"no {EVIL}")

    assert "<style>" in view._repr_html_()
    assert "<style>" not in view.html(page=True)
    assert "<script>" not in view._repr_html_()


@pytest.mark.parametrize(("inches", "scrolled"), [(3.3, False), (7.2, True)])
def test_a_chart_wider_than_a_telephone_keeps_its_width_in_a_box_that_scrolls(inches: float, *, scrolled: bool) -> None:
    drawing = filled(inches, 1.0, "a chart", lambda _: None)
    html = render("history.html", page=True, drawing=drawing, runs=Table("t", [], []))

    assert ('<div class="wide picture" style="overflow-x: auto">' in html) is scrolled
    assert f"max-width: {'none' if scrolled else '100%'}" in html


def test_a_long_name_in_a_head_may_be_broken_at_its_underscores() -> None:
    table = Table("t", [Column("binary_accuracy", "share of rows")], [])

    assert "binary_<wbr>accuracy <small>" in render("table.html", page=True, it=table)


def test_a_box_that_scrolls_shows_it_at_the_edge_that_hides_something() -> None:
    sheet = style()

    # What is fixed to the box is covered by what moves with its content, until there is more beyond the edge.
    assert sheet.count("no-repeat local") == sheet.count("no-repeat scroll") == 2


def test_what_is_absent_is_told_in_a_sentence_that_repeats_no_heading() -> None:
    view = Absent("Drift", "no earlier run has statistics")

    assert view.html(page=True).strip() == '<p class="quiet">No earlier run has statistics.</p>'
    assert "Drift: no earlier run has statistics.</p>" in view.html()


def test_a_change_that_is_rounded_to_nothing_has_no_minus() -> None:
    assert interval(Estimate(-1e-8, -2e-8, 3e-8), "+.4f").text == "+0.0000 [+0.0000, +0.0000]"
