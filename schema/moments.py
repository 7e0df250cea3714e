"""Count, mean and spread of numbers, merged without loss of precision.

Source: Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979).
"""

import numpy as np
from numpy.typing import NDArray

# How many numbers, their mean, and the sum of their squared distances from it.
Moments = tuple[int, float, float]

NOTHING: Moments = (0, 0.0, 0.0)


def moments(numbers: NDArray[np.float64]) -> Moments:
    """The moments of numbers [N], 0 or more."""
    if not numbers.size:
        return NOTHING
    # From one of them, so that an offset takes no digits from the spread, and equal numbers have none at all.
    apart = numbers - numbers[0]
    return numbers.size, float(numbers[0] + apart.mean()), float(apart.var()) * apart.size


def merged_moments(one: Moments, other: Moments) -> Moments:
    """The moments of the numbers of both."""
    (count, mean, squares), (more, other_mean, other_squares) = one, other
    if not more:
        return one
    both, apart = count + more, other_mean - mean
    return both, mean + apart * more / both, squares + other_squares + apart**2 * count * more / both
