"""The standard error of a metric, from its values with one group of rows left out at a time."""

from typing import Any

import numpy as np
from tensorflow_model_analysis.api import types

from evaluation.totals import Floats


def with_interval(point: Any, replicates: Floats) -> Any:
    """The point value with its t-distribution, of which TFMA's writer makes a 95 % interval; or the bare point value.

    The formula is that of TFMA's own jackknife (evaluators/jackknife.py, _JackknifeSampleCombineFn): the delete-a-group
    jackknife in its unweighted, delete-d form. Of n replicates r the mean is that of r, the variance is
    (n - 1) / n x sum((r - mean)^2), and the degrees of freedom are n - 1. TFMA deals rows to its groups at random; the
    groups here are whole values of the split key, and may differ in size. The weighted form (Busing, Meijer and van der
    Leeden, Delete-m jackknife for unequal m, 1999) is not TFMA's, and not taken.

    Args:
        point: the metric of all rows.
        replicates: [n] the metric without each group; any that is not finite, or fewer than two, leave no interval.
    """
    count = len(replicates)
    if count < 2 or not np.isfinite(point) or not np.isfinite(replicates).all():
        return point
    mean = replicates.mean()
    error = np.sqrt((count - 1) / count * np.square(replicates - mean).sum())
    return types.ValueWithTDistribution(
        sample_mean=float(mean),
        sample_standard_deviation=float(error),
        sample_degrees_of_freedom=count - 1,
        unsampled_value=point,
    )
