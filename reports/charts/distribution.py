"""A feature's distribution on each split, small enough for a line of a table."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from reports.artifacts.statistics import FeatureStatistics
from reports.charts.canvas import BLUE, GREEN, ORANGE, Chart, filled

# The first split is the filled one.
_LINES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, ":"))
_SHOWN_VALUES = 12


def distribution(feature: str, splits: Mapping[str, FeatureStatistics]) -> Chart | None:
    """Shares of rows by value or bucket, the first split filled and the others as lines; None without any value."""
    numbers = all(one.is_number for one in splits.values())
    shares = _by_bucket(splits) if numbers else _by_value(splits)
    if not shares:
        return None

    def draw(axes: Axes) -> None:
        for (name, heights), (colour, dash) in zip(shares.items(), _LINES, strict=False):
            places = np.arange(len(heights))
            if name == next(iter(shares)):
                axes.bar(places, heights, width=0.92, color=colour, alpha=0.45)
            else:
                axes.step(places, heights, where="mid", color=colour, linestyle=dash, linewidth=1.3)
        axes.set_ylim(bottom=0)

    return filled(2.2, 0.45, f"Distribution of {feature} on {', '.join(shares)}", draw)


def _by_value(splits: Mapping[str, FeatureStatistics]) -> dict[str, np.ndarray]:
    first = next(iter(splits.values()))
    values = [value for value, _ in first.top[:_SHOWN_VALUES]]
    found = {name: np.array([dict(one.top).get(value, 0) for value in values]) for name, one in splits.items()}
    return {name: rows / max(splits[name].rows, 1) for name, rows in found.items()} if values else {}


def _by_bucket(splits: Mapping[str, FeatureStatistics]) -> dict[str, np.ndarray]:
    """Shares in the buckets of the first split; another split's rows are spread evenly over each bucket of its own."""
    first = next(iter(splits.values())).histogram
    if not first:
        return {}
    edges = np.array([low for low, _, _ in first] + [first[-1][1]])
    return {name: _shares(one, edges) for name, one in splits.items()}


def _shares(one: FeatureStatistics, edges: np.ndarray) -> np.ndarray:
    heights = np.zeros(len(edges) - 1)
    total = sum(rows for _, _, rows in one.histogram)
    for low, high, rows in one.histogram:
        width = high - low
        if width <= 0:
            heights[np.clip(np.searchsorted(edges, low, side="right") - 1, 0, len(heights) - 1)] += rows
            continue
        overlap = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
        heights += np.clip(overlap, 0, None) / width * rows
    return heights / max(total, 1)
