"""Two evaluations of the same rows, number by number."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evaluation.scored_slices import Values

# Rows are counted exactly. Other metrics come of answers that batches of another size change in the last bits of
# float32, which may move a row over the edge of one of TFMA's 10,000 buckets of the probability.
COUNT = "example_count"
RELATIVE = 1e-4
# Of the largest answer, for metrics near 0; squared for the mean of squares.
ABSOLUTE = 1e-6
_SQUARES = "mean_squared_error"
# As exact as the answers lie apart, and not as they lie far from 0.
_MEANS = ("mean_prediction", "mean_label")
_AREAS = ("auc", "pr_auc")

# By slice, as its key or as its name.
Metrics = Mapping[Any, Values]


@dataclass(frozen=True)
class Disagreement:
    """A metric of a slice of which two evaluations say different things; None where one has no value or no slice."""

    metric: str
    slice: Any
    one: float | None
    other: float | None


def disagreements(one: Metrics, other: Metrics, scale: float) -> list[Disagreement]:
    """Where two evaluations by this project differ.

    Args:
        one: metrics by slice and name; None, or not finite, where undefined.
        other: likewise.
        scale: see evaluation.recount.AnsweredRows.
    """
    return list(_apart(one, other, lambda metric, ours, theirs: _alike(metric, ours, theirs, scale)))


def against_official(ours: Metrics, official: Metrics, scale: float) -> list[Disagreement]:
    """As disagreements, of ours and TFMA's; an area under a curve that is undefined here is 0 or 1 there."""

    def alike(metric: str, mine: float | None, theirs: float | None) -> bool:
        undefined = mine is None and metric in _AREAS and theirs is not None and _is_bit(theirs)
        return undefined or _alike(metric, mine, theirs, scale)

    return list(_apart(ours, official, alike))


def _is_bit(value: float) -> bool:
    return any(math.isclose(value, bit, abs_tol=1e-9) for bit in (0.0, 1.0))


def _apart(
    one: Metrics, other: Metrics, alike: Callable[[str, float | None, float | None], bool]
) -> Iterator[Disagreement]:
    for key in sorted({*one, *other}, key=str):
        mine, theirs = one.get(key, {}), other.get(key, {})
        for metric in sorted({*mine, *theirs}):
            pair = _defined(mine.get(metric)), _defined(theirs.get(metric))
            if not alike(metric, *pair):
                yield Disagreement(metric, key, *pair)


def _defined(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _alike(metric: str, one: float | None, other: float | None, scale: float) -> bool:
    if one is None or other is None:
        return one is other
    if metric == COUNT:
        return one == other
    if metric in _MEANS:
        return math.isclose(one, other, rel_tol=0.0, abs_tol=RELATIVE * scale)
    noise = (ABSOLUTE * scale) ** (2 if metric == _SQUARES else 1)
    return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=noise)
