"""The jackknife by hand, and against TFMA's own."""

import math

import numpy as np
import pytest
from tensorflow_model_analysis.api import types
from tensorflow_model_analysis.evaluators import confidence_intervals_util, jackknife
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.utils import math_util

from evaluation.jackknife import with_interval

# A mean of the groups (1, 3), (5) and (7): 16 / 4 of all, and 12 / 2, 11 / 3 and 9 / 3 without one of them.
GROUPS = np.array([6.0, 11 / 3, 3.0])


def test_the_error_of_a_mean_of_three_groups() -> None:
    value = with_interval(4.0, GROUPS)

    # The replicates' mean is 38 / 9; they lie 16, -5 and -11 ninths from it, with a sum of squares of 402 / 81.
    assert value.unsampled_value == 4.0
    assert value.sample_mean == pytest.approx(38 / 9)
    assert value.sample_standard_deviation == pytest.approx(math.sqrt(2 / 3 * 402 / 81))
    assert value.sample_degrees_of_freedom == 2


def test_the_interval_that_tfma_makes_of_it() -> None:
    _, lower, upper = math_util.calculate_confidence_interval(with_interval(4.0, GROUPS))

    # 4.302653 is the t-distribution's 97.5 % quantile at 2 degrees of freedom.
    half = 4.302653 * math.sqrt(804 / 243)
    assert (lower, upper) == pytest.approx((38 / 9 - half, 38 / 9 + half), rel=1e-6)


def test_it_is_tfmas_own_value() -> None:
    key = metric_types.MetricKey("mean")
    combiner = jackknife._JackknifeSampleCombineFn(len(GROUPS))
    accumulator = combiner.create_accumulator()
    for number, value in enumerate([4.0, *GROUPS.tolist()], start=jackknife._FULL_SAMPLE_ID):
        combiner.add_input(accumulator, confidence_intervals_util.SampleMetrics({key: value}, number))

    theirs, ours = combiner.extract_output(accumulator)[key], with_interval(4.0, GROUPS)

    assert tuple(ours) == pytest.approx(tuple(theirs))


@pytest.mark.parametrize(
    ("point", "replicates"),
    [
        (0.5, [0.4]),
        (0.5, []),
        (math.nan, [0.4, 0.6]),
        (math.inf, [0.4, 0.6]),
        (0.5, [0.4, math.nan, 0.6]),
        (0.5, [0.4, math.inf, 0.6]),
    ],
)
def test_what_is_undefined_or_alone_has_no_interval(point: float, replicates: list[float]) -> None:
    value = with_interval(point, np.array(replicates))

    assert not isinstance(value, types.ValueWithTDistribution)
    assert value is point
