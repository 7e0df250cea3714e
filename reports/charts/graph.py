"""The pipeline's graph with what became of each node."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.textpath import TextPath

from reports.charts.canvas import BLUE, GREEN, GRID, INK, ORANGE, PAPER, QUIET, Chart, filled

MARKS = {"ran": "✓", "cached": "=", "skipped": "·", "failed": "✗"}
_EDGES = {"ran": (GREEN, "-"), "cached": (BLUE, "--"), "skipped": (GRID, ":"), "failed": (ORANGE, "-")}
# In inches: a box, what is between boxes and around the names in them, a line of a name, and a status.
_HEIGHT, _GAP, _DOWN, _INSIDE, _LINE, _STATUS = 0.54, 0.14, 0.68, 0.07, 0.125, 0.6
# A name of more letters takes two lines: the graph of a dozen columns is then no wider than a page.
_ONE_LINE = 9
_NAME_POINTS, _POINTS_PER_INCH = 7.5, 72


def graph(nodes: Sequence[Mapping[str, Any]]) -> Chart:
    """A box a node, left to right after the nodes it waits for, with its mark and seconds.

    Args:
        nodes: entries with `id`, `status`, `seconds` and `upstream`, each after those it waits for.
    """
    column = _columns(nodes)
    places = _places(nodes, column)
    box = _box_width([node["id"] for node in nodes])
    points = {name: (x * (box + _GAP), y * _DOWN) for name, (x, y) in places.items()}
    left, right = -box / 2 - _GAP / 2, max(x for x, _ in points.values()) + box / 2 + _GAP / 2
    half = max(abs(y) for _, y in points.values()) + _HEIGHT / 2 + _GAP / 2

    def draw(axes: Axes) -> None:
        for node in nodes:
            for before in _direct(node, nodes):
                _arrow(axes, points[before], points[node["id"]], box)
        for node in nodes:
            _box(axes, node, points[node["id"]], box)
        axes.set_xlim(left, right)
        axes.set_ylim(-half, half)

    told = ", ".join(f"{node['id']} {node['status']} in {node['seconds']:.1f} s" for node in nodes)
    return filled(right - left, 2 * half, f"Graph of the pipeline: {told}", draw)


def _lines(name: str) -> list[str]:
    """A name as it stands in its box: a long one is broken before the word nearest to its middle."""
    breaks = [found.start() for found in re.finditer(r"(?<=[a-z0-9_.])(?=[A-Z])|(?<=[_.])(?=\w)", name)]
    if len(name) <= _ONE_LINE or not breaks:
        return [name]
    place = min(breaks, key=lambda one: abs(one - len(name) / 2))
    return [name[:place], name[place:]]


def _box_width(names: Sequence[str]) -> float:
    font = FontProperties(weight="bold")
    widths = (TextPath((0, 0), line, _NAME_POINTS, prop=font).get_extents().width for n in names for line in _lines(n))
    return max(_STATUS, float(max(widths)) / _POINTS_PER_INCH) + 2 * _INSIDE


def _columns(nodes: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The longest way to each node."""
    column: dict[str, int] = {}
    for node in nodes:
        column[node["id"]] = max((1 + column[before] for before in node["upstream"] if before in column), default=0)
    return column


def _places(nodes: Sequence[Mapping[str, Any]], column: Mapping[str, int]) -> dict[str, tuple[int, float]]:
    """(column, place) of each node: as near as may be to what it directly waits for, so that few arrows cross."""
    places: dict[str, tuple[int, float]] = {}
    for number in range(1 + max(column.values())):
        found = [node for node in nodes if column[node["id"]] == number]
        wished = {node["id"]: _mean([places[name][1] for name in _direct(node, nodes)]) for node in found}
        ordered = sorted(wished, key=lambda name: -wished[name])
        middle = _mean(list(wished.values()))
        for place, name in enumerate(ordered):
            places[name] = (number, middle + (len(ordered) - 1) / 2 - place)
    return places


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _direct(node: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a node waits for, without what another of those waits for as well: arrows enough to read the order."""
    above = {one["id"]: set(one["upstream"]) for one in nodes}
    for one in nodes:
        for before in list(above[one["id"]]):
            above[one["id"]] |= above.get(before, set())
    waits = [name for name in node["upstream"] if name in above]
    return [name for name in waits if not any(name in above[other] for other in waits)]


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], box: float) -> None:
    axes.add_patch(
        FancyArrowPatch(
            (start[0] + box / 2, start[1]),
            (end[0] - box / 2, end[1]),
            arrowstyle="-|>",
            mutation_scale=7,
            color=QUIET,
            linewidth=0.8,
            shrinkA=1,
            shrinkB=1,
            connectionstyle="arc3,rad=0",
        )
    )


def _box(axes: Axes, node: Mapping[str, Any], place: tuple[float, float], box: float) -> None:
    x, y = place
    colour, dash = _EDGES[node["status"]]
    axes.add_patch(
        FancyBboxPatch(
            (x - box / 2, y - _HEIGHT / 2),
            box,
            _HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.07",
            facecolor=PAPER,
            edgecolor=colour,
            linewidth=1.5,
            linestyle=dash,
        )
    )
    lines = _lines(node["id"])
    # A line of the name or two, and one of the status below them.
    top = y + _LINE * len(lines) / 2
    for number, line in enumerate(lines):
        height = top - number * _LINE
        axes.text(x, height, line, ha="center", va="center", color=INK, fontsize=_NAME_POINTS, fontweight="bold")
    told = node["status"] if node["status"] in ("skipped", "cached") else f"{node['seconds']:.1f} s"
    axes.text(
        x,
        top - len(lines) * _LINE - 0.02,
        f"{MARKS[node['status']]} {told}",
        ha="center",
        va="center",
        color=QUIET,
        fontsize=8,
    )
