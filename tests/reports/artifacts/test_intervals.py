"""Intervals of shares, against figures that are published or worked out by hand."""

import math

import pytest

from reports.artifacts.intervals import Estimate, widened, wilson, within_range


def test_wilsons_interval_of_15_of_148() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I: 0.0624 to 0.1605 for 15 of 148.
    assert wilson(15 / 148, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)


def test_all_right_is_not_certain() -> None:
    # n / (n + z²) for the lower end.
    low, high = wilson(1.0, 22)
    assert low == pytest.approx(22 / (22 + 3.841459), abs=1e-6)
    assert high == 1.0


def test_the_wider_end_counts_on_each_side() -> None:
    found = widened(Estimate(15 / 148, 0.01, 0.11), 148)
    assert found.low == 0.01
    assert found.high == pytest.approx(0.1605, abs=5e-5)


def test_a_share_stays_within_0_and_1() -> None:
    assert widened(Estimate(0.5, -0.2, 1.3), 1000) == Estimate(0.5, 0.0, 1.0)


def test_what_has_no_interval_gets_none() -> None:
    assert widened(Estimate(0.5), 10) == Estimate(0.5)
    assert widened(Estimate(0.5, 0.4, 0.6), 0) == Estimate(0.5, 0.4, 0.6)
    assert math.isnan(widened(Estimate(math.nan, 0.0, 1.0), 5).value)


def test_an_area_has_no_interval_beyond_0_and_1_and_a_loss_may() -> None:
    wide = Estimate(0.5, -1.2, 2.3)

    assert within_range("auc", wide, 5) == Estimate(0.5, 0.0, 1.0)
    assert within_range("log_loss", wide, 5) == wide
    assert within_range("auc", Estimate(0.5), 5) == Estimate(0.5)
