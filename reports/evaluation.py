"""A ModelEvaluation artifact as plain numbers, through TFMA's own loader."""

import math
from pathlib import Path
from typing import Any


def overall_metrics(evaluation: Path) -> dict[str, dict[str, float]]:
    """Metrics of the whole test split: {"candidate": {name: value}, "baseline": {...}}; baseline empty without one."""
    from tensorflow_model_analysis import load_metrics

    found: dict[str, dict[str, float]] = {"candidate": {}, "baseline": {}}
    for by_slice in load_metrics(str(evaluation)):
        if by_slice.slice_key.single_slice_keys:
            continue
        for entry in by_slice.metric_keys_and_values:
            if entry.key.is_diff or not entry.value.HasField("double_value"):
                continue
            found.setdefault(entry.key.model_name or "candidate", {})[entry.key.name] = _number(entry.value)
    return found


def _number(value: Any) -> float:
    number: float = value.double_value.value
    return number if math.isfinite(number) else math.nan
