"""A ModelEvaluation artifact as plain numbers, through TFMA's own loader."""

import math
from pathlib import Path
from typing import Any

OVERALL = "overall"
EXAMPLE_COUNT = "example_count"
CANDIDATE = "candidate"
BASELINE = "baseline"

Metrics = dict[str, float]


def overall_metrics(evaluation: Path) -> dict[str, Metrics]:
    """Metrics of the whole test split: {"candidate": {name: value}, "baseline": {...}}; baseline empty without one."""
    return sliced_metrics(evaluation).get(OVERALL, {CANDIDATE: {}, BASELINE: {}})


def slice_rows(evaluation: Path) -> dict[str, int]:
    """Rows of each slice by its name, see slice_name."""
    found = sliced_metrics(evaluation)
    return {name: int(metrics[CANDIDATE].get(EXAMPLE_COUNT, 0)) for name, metrics in found.items()}


def sliced_metrics(evaluation: Path) -> dict[str, dict[str, Metrics]]:
    """Metrics by slice, by model ("candidate", "baseline"), by name. What is not finite is NaN."""
    from tensorflow_model_analysis import load_metrics

    found: dict[str, dict[str, Metrics]] = {}
    for by_slice in load_metrics(str(evaluation)):
        models = found.setdefault(slice_name(by_slice.slice_key), {CANDIDATE: {}, BASELINE: {}})
        for entry in by_slice.metric_keys_and_values:
            if not entry.key.is_diff and entry.value.HasField("double_value"):
                models[entry.key.model_name or CANDIDATE][entry.key.name] = _number(entry.value)
    return found


def slice_name(key: Any) -> str:
    """`overall`, or `soil=clay`, or `soil=clay, crop=rye`, of TFMA's SliceKey."""
    pairs = []
    for single in key.single_slice_keys:
        value = getattr(single, single.WhichOneof("kind") or "bytes_value")
        pairs.append(f"{single.column}={value.decode(errors='replace') if isinstance(value, bytes) else value}")
    return ", ".join(pairs) or OVERALL


def _number(value: Any) -> float:
    number: float = value.double_value.value
    return number if math.isfinite(number) else math.nan
