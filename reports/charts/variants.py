"""Device variants: what each costs, how good it is, and where it changes."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator

from reports.charts.canvas import BLUE, GREEN, INK, ORANGE, QUIET, Chart, drawn

Variant = Mapping[str, Any]

_KILO = FuncFormatter(lambda value, _: f"{value / 1000:,g}")
_PLAIN = FuncFormatter(lambda value, _: f"{value:,g}")
_COSTS = {
    "bytes": ("size of the file (kB)", _KILO),
    "gzip_bytes": ("size after gzip (kB)", _KILO),
    "latency_p50_us": ("median time for one row (µs)", _PLAIN),
}
_SIZE = (7.2, 3.4)
# A name's letter and line in points, at which names are kept apart.
_LETTER, _LINE = 4.9, 11.0
# Of the drawing, what the axes are; the rest holds their labels.
_ACROSS, _UP = 0.86, 0.72
_CELL_INCHES = (0.74, 0.22)


def cost(
    variants: Sequence[Variant], key: str, label: str, server: float | None, drop: float, *, higher_is_better: bool
) -> Chart:
    """The main metric against a cost; a filled circle is accepted, a cross rejected, and a line joins the front.

    On the front is what no other accepted variant beats in this cost and the metric.

    Args:
        variants: entries of variants.json.
        key: what is drawn across: bytes, gzip_bytes or latency_p50_us.
        label: of the metric, with its unit.
        server: the server model's metric, drawn as a line.
        drop: how much worse a variant may be; the axis spans twice that at least, or noise would look like loss.
        higher_is_better: of the metric.
    """
    shown = [one for one in variants if one["value"] is not None and math.isfinite(one["value"]) and one[key] > 0]
    title, ticks = _COSTS[key]

    def draw(axes: Axes) -> None:
        limits = _limits(shown, server, drop)
        axes.set_ylim(*limits)
        axes.set_xscale("log")
        joined = list(_front(shown, key, higher_is_better=higher_is_better))
        if len(joined) > 1:
            across, up = [one[key] for one in joined], [one["value"] for one in joined]
            axes.plot(across, up, color=GREEN, linewidth=1.2, drawstyle="steps-post", label="front", zorder=1)
        for accepted, colour, mark, name in ((True, BLUE, "o", "accepted"), (False, ORANGE, "X", "rejected")):
            kept = [one for one in shown if bool(one["accepted"]) is accepted]
            across, up = [one[key] for one in kept], [_height(one, limits) for one in kept]
            if kept:
                axes.plot(across, up, color=colour, marker=mark, linestyle="none", markersize=6, label=name, zorder=3)
        if server is not None:
            axes.axhline(server, color=QUIET, linewidth=1, linestyle=":", label="server model")
        if shown:
            axes.set_xlim(min(one[key] for one in shown) / 1.5, max(one[key] for one in shown) * 1.5)
        _set_names(axes, shown, key, limits)
        axes.set_xlabel(title)
        axes.set_ylabel(label)
        axes.ticklabel_format(axis="y", useOffset=False)
        axes.xaxis.set_major_formatter(ticks)
        # Every tick of a decade would write one number over another.
        axes.xaxis.set_minor_locator(LogLocator(subs=(2, 3, 5)))
        axes.xaxis.set_minor_formatter(ticks)
        if shown:
            axes.figure.legend(loc="outside lower center", ncols=4)

    told = ", ".join(f"{one['name']} {one[key]:,.0f} and {one['value']:.4f}" for one in shown)
    return drawn(*_SIZE, f"{label} against {title}: {told}", draw)


def _front(shown: Sequence[Variant], key: str, *, higher_is_better: bool) -> Iterator[Variant]:
    """The accepted ones, the cheapest first, each of which is better than all that are cheaper."""
    sign = 1 if higher_is_better else -1
    best = -math.inf
    for one in sorted((one for one in shown if one["accepted"]), key=lambda one: (one[key], -sign * one["value"])):
        if sign * one["value"] > best:
            best = sign * one["value"]
            yield one


def _limits(shown: Sequence[Variant], server: float | None, drop: float) -> tuple[float, float]:
    """The ends of the metric's axis. One rejected far off would squeeze all others into a line, and stands outside."""
    values = [one["value"] for one in shown if one["accepted"]] or [one["value"] for one in shown]
    values += [] if server is None else [server]
    low, high = min(values, default=0.0), max(values, default=1.0)
    spare = max((high - low) * 0.35, (4 * drop - (high - low)) / 2, 1e-6)
    return low - spare, high + spare


def _height(one: Variant, limits: tuple[float, float]) -> float:
    """Where a mark stands: one outside the limits at their edge."""
    margin = 0.06 * (limits[1] - limits[0])
    return float(min(max(one["value"], limits[0] + margin), limits[1] - margin))


def _name(one: Variant, limits: tuple[float, float]) -> str:
    """The name, with the value of one that stands outside."""
    inside = limits[0] <= one["value"] <= limits[1]
    return str(one["name"]) if inside else f"{one['name']} at {one['value']:.4f}"


def _set_names(axes: Axes, shown: Sequence[Variant], key: str, limits: tuple[float, float]) -> None:
    """Names beside the marks, moved up or down until none lies over another, with a line to the mark if far."""
    left, right = (math.log(end) for end in axes.get_xlim())
    width, height = _SIZE[0] * 72 * _ACROSS, _SIZE[1] * 72 * _UP
    taken: list[tuple[float, float, float]] = []
    points = [(one[key], _height(one, limits)) for one in shown]
    marks = [
        ((math.log(x) - left) / (right - left) * width, (y - limits[0]) / (limits[1] - limits[0]) * height)
        for x, y in points
    ]
    for one, point, (x, y) in sorted(zip(shown, points, marks, strict=True), key=lambda entry: entry[2]):
        name = _name(one, limits)
        half = _LETTER * len(name) / 2
        free = (offset for offset in _offsets() if _free(x, y + offset, half, taken, marks, height))
        up = next(free, _LINE)
        taken.append((x, y + up, half))
        line = {"arrowstyle": "-", "color": QUIET, "linewidth": 0.6, "shrinkB": 4} if abs(up) > 2 * _LINE else None
        place: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "va": "center", "zorder": 4}
        axes.annotate(name, point, (0, up), color=INK, fontsize=8, arrowprops=line, **place)


def _offsets() -> Iterator[float]:
    """Points above and below a mark, the nearest first."""
    for step in range(1, 40):
        yield from (_LINE * (step + 0.1), -_LINE * (step + 0.1))


def _free(
    x: float,
    y: float,
    half: float,
    taken: Sequence[tuple[float, float, float]],
    marks: Sequence[tuple[float, float]],
    height: float,
) -> bool:
    """Whether a name that is 2 x `half` wide may stand at (x, y), points from the axes' corner."""
    apart = all(abs(y - other_y) >= _LINE or abs(x - other_x) >= half + other for other_x, other_y, other in taken)
    covers = any(abs(y - mark_y) < _LINE * 0.75 and abs(x - mark_x) < half + 3 for mark_x, mark_y in marks)
    return apart and not covers and _LINE / 2 <= y <= height - _LINE / 2


def heat(variants: Sequence[Variant], min_rows: int, bound: float, metric: str, *, higher_is_better: bool) -> Chart:
    """The change of the main metric by slice and variant; the fuller the colour the nearer to the bound.

    Args:
        variants: entries of variants.json, of which at least one has slices.
        min_rows: rows from which a slice is judged; the others are left out.
        bound: how much worse a variant may be on a slice.
        metric: what is told of the metric.
        higher_is_better: of the metric.
    """
    shown = [one for one in variants if one.get("slices")]
    names = [one["slice"] for one in shown[0]["slices"] if one["rows"] >= min_rows]
    rows = {one["slice"]: one["rows"] for one in shown[0]["slices"]}
    scale, form = _scale(shown)

    def draw(axes: Axes) -> None:
        axes.grid(visible=False)
        for across, variant in enumerate(shown):
            changes = {one["slice"]: one for one in variant["slices"]}
            for down, name in enumerate(names):
                _set_cell(axes, across, down, changes[name], bound, scale, form, better=higher_is_better)
        axes.set_xticks(range(len(shown)), [_broken(one["name"]) for one in shown])
        axes.set_yticks(range(len(names)), [f"{name}  ({rows[name]:,})" for name in names])
        axes.set_xlim(-0.5, len(shown) - 0.5)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.xaxis.tick_top()
        axes.tick_params(length=0, labelcolor=INK)
        for side in axes.spines.values():
            side.set_visible(False)

    across, down = _CELL_INCHES
    size = 1.7 + across * len(shown), 0.5 + down * len(names)
    worst = [f"{one['name']} {one['worst_slice']['slice']}" for one in shown if one.get("worst_slice")]
    return drawn(*size, f"Change of {metric} by slice and variant; the worst slice of each: {', '.join(worst)}", draw)


def _scale(shown: Sequence[Variant]) -> tuple[float, str]:
    """Shares are told in thousandths, values in their unit."""
    return (1.0, "+.3g") if shown[0]["metric"] == "mean_absolute_error" else (1000.0, "+.1f")


def _broken(name: str) -> str:
    return name.replace("_", "\n")


def _set_cell(
    axes: Axes, across: int, down: int, one: Variant, bound: float, scale: float, form: str, *, better: bool
) -> None:
    change, low, high = one["change"], one["low"], one["high"]
    if change is None:
        axes.text(across, down, "-", ha="center", va="center", color=QUIET, fontsize=8)
        return
    lost = -change if better else change
    strength = min(abs(change) / bound, 1.0) * 0.75 if bound > 0 else 0.0
    colour = ORANGE if lost > 0 else BLUE
    axes.add_patch(Rectangle((across - 0.48, down - 0.46), 0.96, 0.92, color=colour, alpha=strength, linewidth=0))
    sure = low is not None and high is not None and not low <= 0 <= high
    text = (
        format(scale * change, form).replace("+0.0", "0.0").replace("-0.0", "0.0") if scale > 1 else f"{change:{form}}"
    )
    weight = "bold" if sure and lost > 0 else "normal"
    axes.text(across, down, text, ha="center", va="center", color=INK, fontsize=8, fontweight=weight)
