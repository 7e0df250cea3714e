"""A ModelEvaluation artifact as plain numbers, through TFMA's own loader."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reports.artifacts.intervals import Estimate, within_range

OVERALL = "overall"
EXAMPLE_COUNT = "example_count"
CANDIDATE = "candidate"
BASELINE = "baseline"
CHANGE = "change"

Metrics = dict[str, float]


@dataclass(frozen=True)
class SliceResult:
    """One slice: its (feature, value) pairs, its rows, and estimates by metric of each side.

    Sides are "candidate", "baseline" and "change", candidate minus baseline; the last two are empty without a baseline.
    """

    name: str
    pairs: tuple[tuple[str, str], ...]
    rows: int
    sides: dict[str, dict[str, Estimate]] = field(default_factory=dict)

    def estimate(self, metric: str, side: str = CANDIDATE) -> Estimate:
        """The estimate of a metric; one of NaN where there is none."""
        return self.sides.get(side, {}).get(metric, Estimate(math.nan))


def load_slices(evaluation: Path) -> list[SliceResult]:
    """All slices, the whole test split first, then by feature and value."""
    from tensorflow_model_analysis import load_metrics

    found = [_slice(by_slice) for by_slice in load_metrics(str(evaluation))]
    return sorted(found, key=lambda one: [(name, _natural(value)) for name, value in one.pairs])


def overall_metrics(evaluation: Path) -> dict[str, Metrics]:
    """Metrics of the whole test split: {"candidate": {name: value}, "baseline": {...}}; baseline empty without one."""
    return sliced_metrics(evaluation).get(OVERALL, {CANDIDATE: {}, BASELINE: {}})


def slice_rows(evaluation: Path) -> dict[str, int]:
    """Rows of each slice by its name, see slice_name."""
    return {one.name: one.rows for one in load_slices(evaluation)}


def sliced_metrics(evaluation: Path) -> dict[str, dict[str, Metrics]]:
    """Metrics by slice, by model ("candidate", "baseline"), by name. What is not finite is NaN."""
    return {
        one.name: {
            side: {name: estimate.value for name, estimate in one.sides[side].items()} for side in (CANDIDATE, BASELINE)
        }
        for one in load_slices(evaluation)
    }


def slice_name(key: Any) -> str:
    """`overall`, or `soil=clay`, or `soil=clay, crop=rye`, of TFMA's SliceKey."""
    return ", ".join(f"{column}={value}" for column, value in slice_pairs(key)) or OVERALL


def slice_pairs(key: Any) -> Iterator[tuple[str, str]]:
    """(feature, value) of each part of TFMA's SliceKey."""
    for single in key.single_slice_keys:
        value = getattr(single, single.WhichOneof("kind") or "bytes_value")
        yield single.column, value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _slice(by_slice: Any) -> SliceResult:
    sides: dict[str, dict[str, Estimate]] = {CANDIDATE: {}, BASELINE: {}, CHANGE: {}}
    for entry in by_slice.metric_keys_and_values:
        if entry.value.HasField("double_value"):
            side = CHANGE if entry.key.is_diff else entry.key.model_name or CANDIDATE
            sides[side][entry.key.name] = _estimate(entry)
    rows = int(sides[CANDIDATE].get(EXAMPLE_COUNT, Estimate(0.0)).value)
    for side in (CANDIDATE, BASELINE):
        sides[side] = {name: within_range(name, estimate, rows) for name, estimate in sides[side].items()}
    return SliceResult(slice_name(by_slice.slice_key), tuple(slice_pairs(by_slice.slice_key)), rows, sides)


def _estimate(entry: Any) -> Estimate:
    value = _finite(entry.value)
    if not entry.HasField("confidence_interval") or math.isnan(value):
        return Estimate(value)
    low, high = _finite(entry.confidence_interval.lower_bound), _finite(entry.confidence_interval.upper_bound)
    return Estimate(value) if math.isnan(low) or math.isnan(high) else Estimate(value, low, high)


def _finite(value: Any) -> float:
    number: float = value.double_value.value
    return number if math.isfinite(number) else math.nan


def _natural(value: str) -> tuple[int, float, str]:
    """Numbers by size and before words."""
    try:
        return 0, float(value), value
    except ValueError:
        return 1, 0.0, value
