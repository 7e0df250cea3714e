"""Intervals of the difference between two models on the same rows: a paired bootstrap over groups of rows.

Rows that share a value of the split key, such as the flights of one day, are not independent, so whole groups are drawn
(a cluster bootstrap: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 6 and 8; Davison and
Hinkley, Bootstrap Methods and their Application, 1997, section 3.8). Both models are measured on the same draw, so what
is common to them cancels, and the interval is the percentile interval of the differences (Efron and Tibshirani, 13). Of
few groups that is too narrow, so its ends are taken further out (Hesterberg, What Teachers Should Know about the
Bootstrap, 2015, the expanded percentile interval): at the normal distribution's level of sqrt(K / (K - 1)) t, where t
is Student's 97.5 % quantile with K - 1 degrees of freedom.

With w [K] how often each group was drawn, a mean of a value v a row is sum_k w_k v_k / sum_k w_k n_k. The area under
the ROC curve is the share of pairs of a positive and a negative row that are in order, a tie counting half (Mann and
Whitney, 1947), so it is w' M w / (w' p x w' n), where M [K, K] holds the ordered pairs of a positive of one group and a
negative of another, and p and n count the groups' positives and negatives. M is counted once, and a draw costs K x K.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from edge.runtime.litert_model import Array
from schema.errors import InputError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Draws: the 2.5 % end is then the 25th smallest difference.
DRAWS = 1000
# Groups of rows at most; M grows with their square. More values of the key are dealt to as many random groups, which
# leaves the variance right on average and its square root uncertain by 1 / sqrt(2 x 127), 6 % (random groups: Wolter,
# Introduction to Variance Estimation, 2007, chapter 2).
MOST_GROUPS = 128
# An interval of which fewer draws than this share are defined is none.
_DEFINED = 0.5
# The normal distribution's 97.5 % quantile.
_Z = 1.959964


@dataclass(frozen=True)
class Draws:
    """`weights` [draws, K]: how often each group was drawn; `group` [N]: each row's group."""

    weights: Floats
    group: Integers


def draws(values: Integers | None, rows: int, seed: int = 0, count: int = DRAWS) -> Draws:
    """Draws of whole groups with replacement, as many groups as there are.

    Args:
        values: [N] the number of each row's value of the split key, from 0 on; None where each row stands for itself.
        rows: N; of none there are draws of nothing, which leave every metric and interval undefined.
        seed: of the draws and of the random groups.
        count: of draws.
    """
    generator = np.random.default_rng(seed)
    number = np.arange(rows, dtype=np.int64) if values is None else np.asarray(values, np.int64)
    distinct = int(number.max()) + 1 if rows else 0
    if distinct > MOST_GROUPS:
        number = (generator.permutation(distinct) % MOST_GROUPS)[number]
        distinct = MOST_GROUPS
    if not rows:
        return Draws(np.zeros((count, 0)), number)
    weights = generator.multinomial(distinct, np.full(distinct, 1.0 / distinct), size=count).astype(np.float64)
    return Draws(weights, number)


def mean_replicates(found: Draws, values: Floats) -> Floats:
    """The mean of `values` [N] in each draw, [draws]; NaN where no row was drawn."""
    groups = found.weights.shape[1]
    sums = np.bincount(found.group, weights=values, minlength=groups)
    counts = np.bincount(found.group, minlength=groups)
    with np.errstate(invalid="ignore"):
        replicates: Floats = (found.weights @ sums) / (found.weights @ counts)
    return replicates


def area_replicates(found: Draws, labels: Array, cells: Integers) -> Floats:
    """The area under the ROC curve in each draw, [draws]; NaN where the rows drawn are of one class.

    Args:
        found: the draws.
        labels: [N], 0 or 1.
        cells: [N] the score's place among the thresholds; equal places are ties.

    Raises:
        InputError: for another label.
    """
    positive = np.asarray(labels) == 1
    if not (positive | (np.asarray(labels) == 0)).all():
        raise InputError(f"labels: expected 0 and 1. Received: {np.unique(labels)[:5].tolist()}")
    pairs = _ordered_pairs(found, positive, np.asarray(cells))
    groups = found.weights.shape[1]
    positives, negatives = (np.bincount(found.group[kept], minlength=groups) for kept in (positive, ~positive))
    with np.errstate(invalid="ignore"):
        ordered = np.einsum("rk,rk->r", found.weights @ pairs, found.weights)
        replicates: Floats = ordered / ((found.weights @ positives) * (found.weights @ negatives))
    return replicates


def _ordered_pairs(found: Draws, positive: Array, cells: Integers) -> Floats:
    """M [groups, groups]: pairs of a positive of the one and a negative of the other that are in order, ties halved.

    Not as a product of matrices of counts, which are nearly empty: each positive row adds the negatives below it.
    """
    groups = found.weights.shape[1]
    _, cell = np.unique(cells, return_inverse=True)
    count = int(cell.max(initial=-1)) + 1
    place = cell[~positive] * groups + found.group[~positive]
    negatives = np.bincount(place, minlength=count * groups).reshape(count, groups).astype(np.float64)
    below = np.cumsum(negatives, axis=0) - negatives / 2
    order = np.argsort(found.group[positive], kind="stable")
    group, starts = np.unique(found.group[positive][order], return_index=True)
    pairs = np.zeros((groups, groups))
    if len(group):
        pairs[group] = np.add.reduceat(below[cell[positive][order]], starts, axis=0)
    return pairs


def within(found: Draws, rows: Integers) -> Draws:
    """The same draws of some of the rows, by their places; groups without such a row are left out."""
    groups, number = np.unique(found.group[rows], return_inverse=True)
    return Draws(found.weights[:, groups], number.astype(np.int64))


def interval(differences: Floats, groups: int) -> tuple[float, float] | None:
    """The 95 % expanded percentile interval of a difference.

    Args:
        differences: [draws], NaN where one of the two is undefined.
        groups: that have a row; of one alone no interval can be told.
    """
    defined = differences[np.isfinite(differences)]
    if groups < 2 or len(defined) < _DEFINED * len(differences) or not len(defined):
        return None
    outside = NormalDist().cdf(-math.sqrt(groups / (groups - 1)) * _student(groups - 1))
    low, high = np.quantile(defined, (outside, 1 - outside))
    return float(low), float(high)


def _student(freedom: int) -> float:
    """Student's 97.5 % quantile (Abramowitz and Stegun, Handbook of Mathematical Functions, 1964, 26.7.5)."""
    z = _Z
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return float(sum(term / freedom**power for power, term in enumerate(terms)))
