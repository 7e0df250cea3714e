"""Estimates, and intervals that they can have."""

import math
from dataclasses import dataclass

# The normal distribution's 97.5 % quantile.
_Z = 1.959964
# Metrics that are shares of rows, and those that are shares of something else.
PROPORTIONS = ("binary_accuracy", "accuracy")
_AREAS = ("auc", "pr_auc")


@dataclass(frozen=True)
class Estimate:
    """A metric's value and its 95 % interval; NaN where it is not defined, None where no interval was asked for."""

    value: float
    low: float | None = None
    high: float | None = None


def within_range(metric: str, estimate: Estimate, rows: int) -> Estimate:
    """The estimate with an interval that the metric can have: that of few rows may leave 0 to 1."""
    if metric in PROPORTIONS:
        return widened(estimate, rows)
    if metric not in _AREAS or estimate.low is None or estimate.high is None:
        return estimate
    return Estimate(estimate.value, max(0.0, estimate.low), min(1.0, estimate.high))


def wilson(share: float, rows: int) -> tuple[float, float]:
    """Wilson's score interval of 95 % (JASA 22, 1927) of a share in [0, 1] of one or more independent rows."""
    middle = (share + _Z**2 / (2 * rows)) / (1 + _Z**2 / rows)
    half = _Z / (1 + _Z**2 / rows) * math.sqrt(share * (1 - share) / rows + _Z**2 / (4 * rows**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def widened(estimate: Estimate, rows: int) -> Estimate:
    """A share's estimate with the wider of both ends, those it has and Wilson's.

    A resampled interval of 22 right of 22 is 1 to 1, which Wilson's is not; and Wilson's takes rows of one day, which
    share their weather, for independent, which resampled ones do not. One without an interval stays without.
    """
    if estimate.low is None or estimate.high is None or math.isnan(estimate.value) or rows < 1:
        return estimate
    low, high = wilson(estimate.value, rows)
    return Estimate(estimate.value, max(0.0, min(low, estimate.low)), min(1.0, max(high, estimate.high)))
