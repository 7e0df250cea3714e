"""Two evaluations of one model, compared figure by figure."""

import math

from benchmarks.same_model import Difference, largest_difference, numbers


def test_the_largest_difference_is_told_with_its_place() -> None:
    found = largest_difference({"auc": 0.7, "loss": 0.5, "rows": 10.0}, {"auc": 0.75, "loss": 0.5, "rows": 10.0})
    assert (found.numbers, found.where) == (3, "auc")
    assert math.isclose(found.largest, 0.05)


def test_two_undefined_figures_are_the_same() -> None:
    same = {"auc": math.nan, "bound": math.inf}
    assert largest_difference(same, dict(same)) == Difference(2, 0.0, "")


def test_a_figure_undefined_on_one_side_alone_is_infinitely_far() -> None:
    assert largest_difference({"auc": math.nan}, {"auc": 0.5}) == Difference(1, math.inf, "auc")


def test_every_number_is_found_by_its_path() -> None:
    value = {"doubleValue": 0.5, "matrices": [{"count": "3"}, {"count": "NaN"}], "name": "auc"}
    found = dict(numbers(value, "overall"))
    assert math.isnan(found.pop("overall.matrices[1].count"))
    assert found == {"overall.doubleValue": 0.5, "overall.matrices[0].count": 3.0}
