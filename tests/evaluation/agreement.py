"""Two of TFMA's evaluations, number by number."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from tensorflow_model_analysis.api import model_eval_lib

TOLERANCE = 1e-6

Flat = dict[str, Any]


def content(evaluation: Path) -> Flat:
    """Every value of every metric, plot, attribution and verdict, by its path: slice, key, field."""
    folder = str(evaluation)
    kinds = {
        "metrics": model_eval_lib.load_metrics(folder),
        "plots": model_eval_lib.load_plots(folder),
        "attributions": model_eval_lib.load_attributions(folder),
    }
    flat: Flat = {}
    for kind, by_slice in kinds.items():
        for message in by_slice:
            _lay(flat, f"{kind} {message.slice_key}", message)
    _lay(flat, "verdict", model_eval_lib.load_validation_result(folder))
    return flat


def _lay(flat: Flat, path: str, message: Any) -> None:
    _walk(flat, path, json_format.MessageToDict(message, always_print_fields_with_no_presence=True))


def _walk(flat: Flat, path: str, value: Any) -> None:
    if isinstance(value, dict):
        for name, part in value.items():
            _walk(flat, f"{path}/{name}", part)
    elif isinstance(value, list):
        # Beam gives slices in any order; within a slice TFMA sorts.
        slices = path.rpartition("/")[2] in ("metricValidationsPerSlice", "slicingDetails")
        for place, part in enumerate(sorted(value, key=_slice) if slices else value):
            _walk(flat, f"{path}[{place}]", part)
    else:
        flat[path] = value


def _slice(part: dict[str, Any]) -> str:
    return str(part.get("sliceKey") or part.get("slicingSpec"))


def differences(left: Flat, right: Flat) -> list[tuple[str, Any, Any]]:
    """Paths with values that are not in both, or differ by more than the tolerance."""
    return [
        (path, left.get(path), right.get(path))
        for path in _paths(left, right)
        if path not in left or path not in right or not _equal(left[path], right[path])
    ]


def without_value_in_stock(stock: Flat, difference: tuple[str, Any, Any]) -> bool:
    """Whether a difference is one of a metric that stock TFMA gives no value, or one that means nothing.

    That is the log loss of a wholly confident answer, NaN or infinite there, and the area under a curve of rows of one
    class, 0 or 1 there; ours are finite and NaN.
    """
    path, theirs, ours = difference
    name = stock.get(f"{path.partition('/value/')[0]}/key/name")
    if name == "log_loss":
        return not math.isfinite(float(theirs)) and math.isfinite(float(ours))
    return name in ("auc", "pr_auc") and theirs in (0.0, 1.0) and math.isnan(float(ours))


def _paths(left: Flat, right: Flat) -> Iterable[str]:
    return sorted({*left, *right})


def _equal(left: Any, right: Any) -> bool:
    try:
        one, other = float(left), float(right)
    except ValueError:
        return bool(left == right)
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
