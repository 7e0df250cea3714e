"""What counts as a loss, and how it is told."""

import pytest

from edge.gate.metric_change import OVERALL, Bound, Change, exceeds, loss, told, worst

LOST = Change("month=7", 5931, 0.7012, 0.7162, -0.015, -0.019, -0.011)


def test_a_loss_is_positive_whichever_way_is_better() -> None:
    assert loss(LOST, "auc") == 0.015
    assert loss(LOST, "mean_absolute_error") == -0.015
    assert loss(Change("x", 9, None, 0.7), "auc") is None


def test_a_loss_misses_its_bound_only_where_it_is_no_noise() -> None:
    assert exceeds(LOST, "auc", Bound(0.01))
    assert not exceeds(LOST, "auc", Bound(0.015))
    noisy = Change("month=7", 5931, 0.7012, 0.7162, -0.015, -0.031, 0.001)
    assert not exceeds(noisy, "auc", Bound(0.01))
    better = Change("month=7", 5931, 0.7312, 0.7162, 0.015, 0.011, 0.019)
    assert not exceeds(better, "auc", Bound(0.01))
    assert exceeds(better, "mean_absolute_error", Bound(0.01))


def test_a_loss_without_an_interval_counts_and_one_that_is_undefined_does_not() -> None:
    assert exceeds(Change("day=1", 1200, 0.7, 0.72, -0.02), "auc", Bound(0.01))
    assert not exceeds(Change("day=1", 1200, None, 0.72), "auc", Bound(0.01))


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
def test_a_bound_and_its_rounding_are_the_same_in_every_unit(unit: float) -> None:
    lost = Change(OVERALL, 9, 0.7 * unit, 0.698 * unit, 0.7 * unit - 0.698 * unit)
    assert not exceeds(lost, "mean_absolute_error", Bound(0.002 * unit))
    assert exceeds(lost, "mean_absolute_error", Bound(0.001999 * unit))


def test_a_bound_of_a_regression_is_told_in_the_metrics_unit_and_in_deviations() -> None:
    # What 0.002 of a standard deviation of 515 allows, and a label in farad.
    fine = Change(OVERALL, 9, 377.48, 377.10, 377.48 - 377.10)
    assert not exceeds(fine, "mean_absolute_error", Bound.of(0.002, 515.0))
    assert told(Change(OVERALL, 9, 3.5e-10, 3.2e-10, 3e-11), "mean_absolute_error", Bound.of(0.002, 4e-10)) == (
        "mean_absolute_error 3.500e-10 is 3.000e-11 above the server model's 3.200e-10 (no interval: too few groups "
        "of rows); at most 8.000e-13 (0.002 of the label's standard deviation) allowed"
    )


def test_a_loss_is_told_with_slice_numbers_and_interval() -> None:
    assert told(LOST, "auc", Bound(0.01)) == (
        "auc 0.7012 on month=7 (5,931 rows) is 0.0150 below the server model's 0.7162 (95 %: 0.0110 to 0.0190); "
        "at most 0.0100 allowed"
    )
    whole = Change(OVERALL, 9, 3.21, 3.2, 0.01)
    assert told(whole, "mean_absolute_error", Bound(0.002)) == (
        "mean_absolute_error 3.2100 is 0.0100 above the server model's 3.2000 (no interval: too few groups of rows); "
        "at most 0.0020 allowed"
    )
    with pytest.raises(ValueError, match="undefined"):
        told(Change("x", 9, None, 0.7), "auc", Bound(0.01))


def test_the_worst_slice_has_rows_enough_to_be_judged() -> None:
    few, undefined = Change("month=1", 10, 0.5, 0.7, -0.2), Change("month=2", 9000, None, None)
    fine = Change("month=3", 9000, 0.7, 0.7, 0.0)
    assert worst((few, undefined, fine, LOST), "auc", 1000) is LOST
    assert worst((few, undefined), "auc", 1000) is None
