"""What an evaluation tells a person: bounds, worst slices, and no number where there is none."""

import math

import pytest

from reports.artifacts.bounds import Bound
from reports.render.html import BAD, GOOD, NOTE, UNDEFINED
from schema.errors import InputError
from tests.reports.evaluations import binary, one_slice

WHOLE = one_slice("overall", 5000, 0.7, 0.69)
FLOOR, CHANGE = Bound("auc", "floor", 0.68), Bound("auc", "least change", -0.01)


def bound_cell(*bounds: Bound, auc: float, baseline: float | None = None) -> tuple[str, str]:
    """Text and mark of the bound of the AUC."""
    cell = binary(one_slice("overall", 5000, auc, baseline), bounds=bounds).table().rows[1][-1]
    return cell.text, cell.mark


def test_a_bound_that_holds_and_one_that_is_missed_say_so() -> None:
    assert bound_cell(FLOOR, auc=0.7) == ("≥ 0.68 held", GOOD)
    assert bound_cell(FLOOR, auc=0.6) == ("≥ 0.68 missed", BAD)
    assert bound_cell(FLOOR, CHANGE, auc=0.7, baseline=0.72) == ("≥ 0.68 held, change ≥ -0.01 missed", BAD)


def test_a_first_model_is_held_to_no_change() -> None:
    assert bound_cell(CHANGE, auc=0.7) == ("", "")


def test_what_is_not_a_number_misses_its_bound() -> None:
    assert bound_cell(FLOOR, auc=float("nan")) == ("≥ 0.68 missed", BAD)


def test_the_worst_slices_are_those_with_rows_enough() -> None:
    slices = [one_slice("site=a", 999, 0.1), one_slice("site=b", 1000, 0.6), one_slice("site=c", 4000, 0.8)]
    found = binary(WHOLE, *slices, one_slice("site=d", 2000, 0.5))

    assert [one.name for one in found.judged()] == ["site=d", "site=b", "site=c"]
    assert [one["name"] for one in found.context()["worst"]] == ["site=d", "site=b", "site=c"]


def test_a_slice_is_apart_from_all_rows_if_its_interval_is() -> None:
    slices = [one_slice("site=b", 1000, 0.6, spread=0.05), one_slice("site=c", 1000, 0.65, spread=0.06)]
    worst = binary(WHOLE, *slices).context()["worst"]

    assert [(one["name"], one["apart"], one["difference"]) for one in worst] == [
        ("site=b", True, "-0.1000"),
        ("site=c", False, "-0.0500"),
    ]


def test_a_slice_of_one_class_has_no_auc_and_is_not_judged_by_it() -> None:
    # TFMA gives 0 there.
    found = binary(WHOLE, one_slice("site=a", 2000, 0.0), one_class=("site=a",))

    assert found.judged() == []
    assert found.slice_table().rows[1][2].text == UNDEFINED


def test_where_a_metric_is_undefined_is_said_with_why_and_of_how_many_rows() -> None:
    slices = [one_slice(f"site={name}", 3 + place, math.nan) for place, name in enumerate("abcde")]

    assert binary(WHOLE, one_slice("site=a", 2000, 0.7)).undefined() == []
    assert binary(WHOLE, *slices[:1]).undefined() == ["auc is not defined on site=a (3 rows, all of one class)."]
    assert binary(WHOLE, *slices).undefined() == [
        "auc is not defined on site=a (3 rows, all of one class), site=b (4 rows, all of one class), "
        "site=c (5 rows, all of one class) and 2 more slices."
    ]
    assert "site=c (5 rows, all of one class) and 2 more slices." in binary(WHOLE, *slices).html()


def test_a_slice_that_misses_its_bound_is_marked_if_it_is_judged() -> None:
    slices = [one_slice("site=a", 2000, 0.5), one_slice("site=b", 20, 0.5), one_slice("week=1", 2000, 0.5)]
    found = binary(WHOLE, *slices, bounds=(Bound("auc", "floor", 0.6, ("site",)),))

    assert {line[0].text: line[0].mark for line in found.slice_table().rows} == {
        "overall": "",
        "site=a": BAD,
        "site=b": "",
        "week=1": "",
    }


def test_two_hundred_slices_are_in_the_table_and_the_worst_are_drawn() -> None:
    slices = [one_slice(f"site={number}", 2000, 0.6 + number / 1000) for number in range(200)]
    found = binary(WHOLE, *slices)
    context = found.context()

    assert len(found.slice_table().rows) == 201
    assert context["left_out"] == 160
    assert "site=0" in context["forest"].svg
    assert "site=199" not in context["forest"].svg


def test_an_evaluation_without_slices_shows_none() -> None:
    html = binary(WHOLE).html()

    assert "Slices" not in html
    assert "0.7000 [0.6900, 0.7100]" in html


def test_a_slice_is_found_by_name_or_the_nearest_is_named() -> None:
    found = binary(WHOLE, one_slice("site=north", 2000, 0.6))

    assert found.slice("site=north").table().rows[0][2].value == 0.6
    with pytest.raises(InputError, match=r"no slice 'site=nort'.*site=north"):
        found.slice("site=nort")


def test_the_worst_slice_is_all_rows_where_none_is_judged() -> None:
    assert binary(WHOLE, one_slice("site=a", 2000, 0.6), one_slice("site=b", 2000, 0.5)).worst().one.name == "site=b"
    assert binary(WHOLE, one_slice("site=a", 20, 0.1)).worst().one.name == "overall"


def test_slices_are_held_against_the_baseline_the_largest_loss_of_those_that_are_judged_first() -> None:
    few = one_slice("site=a", 5, 0.1, 0.9)
    gained, lost = one_slice("site=b", 2000, 0.7, 0.6), one_slice("site=c", 2000, 0.6, 0.65)

    found = binary(WHOLE, few, gained, lost).against_baseline()

    assert [(line[0].text, line[4].mark) for line in found.table().rows] == [
        ("overall", ""),
        ("site=c", NOTE),
        ("site=b", ""),
        ("site=a", ""),
    ]
    assert (found.context()["worse"], found.context()["judged"]) == (1, 2)


def test_a_first_model_is_held_against_nothing_and_says_so() -> None:
    assert (
        "no other model was released before this one"
        in binary(one_slice("overall", 5000, 0.7)).against_baseline().html()
    )
