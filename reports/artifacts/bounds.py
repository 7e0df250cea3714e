"""What an evaluation was held to, from TFMA's own config beside it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Bound:
    """One bound on a metric: a floor or ceiling of its value, or the worst change against the baseline.

    `features` are those whose slices are held to it; none of the whole test split.
    """

    metric: str
    kind: str
    limit: float
    features: tuple[str, ...] = ()

    def holds(self, value: float) -> bool:
        """Whether a value, or a change, is within the bound; what is not a number is not."""
        return value >= self.limit if self.kind in ("floor", "least change") else value <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.kind in ("floor", "least change") else "≤"
        change = "change " if self.kind.endswith("change") else ""
        return f"{change}{sign} {self.limit:g}"


def load_bounds(evaluation: Path) -> list[Bound]:
    """The bounds in the evaluation's config, in its order."""
    import json

    from tensorflow_model_analysis.writers import eval_config_writer

    config = eval_config_writer.load_eval_run(str(evaluation))[0]
    metrics = [metric for spec in config.metrics_specs for metric in spec.metrics] if config else []
    found: list[Bound] = []
    for metric in metrics:
        name = json.loads(metric.config or "{}").get("name", metric.class_name)
        for by_slice in metric.per_slice_thresholds:
            for spec in by_slice.slicing_specs:
                found += _bounds(name, by_slice.threshold, tuple(spec.feature_keys))
    return found


def _bounds(name: str, threshold: Any, features: tuple[str, ...]) -> Iterator[Bound]:
    value, change = threshold.value_threshold, threshold.change_threshold
    if value.HasField("lower_bound"):
        yield Bound(name, "floor", value.lower_bound.value, features)
    if value.HasField("upper_bound"):
        yield Bound(name, "ceiling", value.upper_bound.value, features)
    if change.HasField("absolute"):
        lower_is_better = change.direction == 1
        yield Bound(name, "most change" if lower_is_better else "least change", change.absolute.value, features)
