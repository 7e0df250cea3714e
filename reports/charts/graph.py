"""The pipeline's graph with what became of each node."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from reports.charts.canvas import BLUE, GREEN, GRID, INK, ORANGE, PAPER, QUIET, Chart, filled

MARKS = {"ran": "✓", "cached": "=", "skipped": "·", "failed": "✗"}
_EDGES = {"ran": (GREEN, "-"), "cached": (BLUE, "--"), "skipped": (GRID, ":"), "failed": (ORANGE, "-")}
_WIDTH, _HEIGHT, _ACROSS, _DOWN = 1.26, 0.46, 1.46, 0.66


def graph(nodes: Sequence[Mapping[str, Any]]) -> Chart:
    """A box a node, left to right after the nodes it waits for, with its mark and seconds.

    Args:
        nodes: entries with `id`, `status`, `seconds` and `upstream`, each after those it waits for.
    """
    column = _columns(nodes)
    places = _places(nodes, column)
    width, height = 1 + max(column.values()), 1 + max(int(2 * abs(y)) for _, y in places.values())

    def draw(axes: Axes) -> None:
        for node in nodes:
            for before in _direct(node, nodes):
                _arrow(axes, places[before], places[node["id"]])
        for node in nodes:
            _box(axes, node, places[node["id"]])
        axes.set_xlim(-0.7, (width - 1) * _ACROSS + 0.7)
        half = max(abs(y) for _, y in places.values()) * _DOWN + 0.34
        axes.set_ylim(-half, half)

    told = ", ".join(f"{node['id']} {node['status']} in {node['seconds']:.1f} s" for node in nodes)
    return filled(
        width * _ACROSS * 0.92 + 0.2, 0.75 + (height - 1) * _DOWN * 1.02, f"Graph of the pipeline: {told}", draw
    )


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


def _arrow(axes: Axes, start: tuple[int, float], end: tuple[int, float]) -> None:
    left = (start[0] * _ACROSS + _WIDTH / 2, start[1] * _DOWN)
    right = (end[0] * _ACROSS - _WIDTH / 2, end[1] * _DOWN)
    axes.add_patch(
        FancyArrowPatch(
            left,
            right,
            arrowstyle="-|>",
            mutation_scale=7,
            color=QUIET,
            linewidth=0.8,
            shrinkA=1,
            shrinkB=1,
            connectionstyle="arc3,rad=0",
        )
    )


def _box(axes: Axes, node: Mapping[str, Any], place: tuple[int, float]) -> None:
    x, y = place[0] * _ACROSS, place[1] * _DOWN
    colour, dash = _EDGES[node["status"]]
    axes.add_patch(
        FancyBboxPatch(
            (x - _WIDTH / 2, y - _HEIGHT / 2),
            _WIDTH,
            _HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.07",
            facecolor=PAPER,
            edgecolor=colour,
            linewidth=1.5,
            linestyle=dash,
        )
    )
    axes.text(x, y + 0.09, node["id"], ha="center", va="center", color=INK, fontsize=7.5, fontweight="bold")
    told = node["status"] if node["status"] in ("skipped", "cached") else f"{node['seconds']:.1f} s"
    axes.text(x, y - 0.11, f"{MARKS[node['status']]} {told}", ha="center", va="center", color=QUIET, fontsize=8)
