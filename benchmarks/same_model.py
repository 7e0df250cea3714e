"""Two evaluations of one model on the same rows: whether every figure in them is the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict, MessageToJson

from reports.artifacts.evaluation import slice_name
from schema.errors import InputError


@dataclass(frozen=True)
class Difference:
    """How many numbers were compared, the largest absolute difference among them, and where it is."""

    numbers: int
    largest: float
    where: str


def compare(first: Path, second: Path) -> Difference:
    """Compares metrics and plots of every slice of two ModelEvaluation artifacts.

    Raises:
        InputError: if a figure is in one of them alone.
    """
    one, other = dict(_figures(first)), dict(_figures(second))
    apart = sorted(one.keys() ^ other.keys())
    if apart:
        raise InputError(f"evaluations of one model: {len(apart)} figures are in one of them alone, first: {apart[0]}")
    return largest_difference(one, other)


def largest_difference(one: dict[str, float], other: dict[str, float]) -> Difference:
    """The largest difference of figures by name; two that are not a number are the same."""
    apart = {name: _apart(value, other[name]) for name, value in one.items()}
    where = max(apart, key=lambda name: apart[name], default="")
    return Difference(len(apart), apart.get(where, 0.0), where if apart.get(where) else "")


def _apart(one: float, other: float) -> float:
    if one == other or (one != one and other != other):
        return 0.0
    distance = abs(one - other)
    return distance if distance == distance else float("inf")


def _figures(evaluation: Path) -> Iterator[tuple[str, float]]:
    from tensorflow_model_analysis import load_metrics, load_plots

    for metrics in load_metrics(str(evaluation)):
        yield from _of_slice(metrics.slice_key, metrics.metric_keys_and_values)
    for plots in load_plots(str(evaluation)):
        yield from _of_slice(plots.slice_key, plots.plot_keys_and_values)


def _of_slice(key: Any, entries: Any) -> Iterator[tuple[str, float]]:
    for entry in entries:
        name = MessageToJson(entry.key, indent=None, sort_keys=True)
        values = MessageToDict(entry.value, always_print_fields_with_no_presence=True)
        yield from numbers(values, f"{slice_name(key)} {name}")


def numbers(value: Any, name: str) -> Iterator[tuple[str, float]]:
    """Every number below a value of JSON, by its path; text that spells one, as JSON does of int64 and NaN, is one."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers(item, f"{name}.{key}")
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from numbers(item, f"{name}[{place}]")
    elif isinstance(value, str | int | float):
        parsed = _parsed(value)
        if parsed is not None:
            yield name, parsed


def _parsed(value: str | float) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None
