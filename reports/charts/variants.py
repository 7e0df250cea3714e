"""Device variants: what each costs, how good it is, and where it changes."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from reports.charts.canvas import BLUE, GREEN, INK, ORANGE, QUIET, Chart, drawn
from reports.charts.labels import placed
from schema.rounding import metric_text, rounded

Variant = Mapping[str, Any]

_KILO = FuncFormatter(lambda value, _: f"{value / 1000:,g}")
_PLAIN = FuncFormatter(lambda value, _: f"{value:,g}")
_COSTS = {
    "bytes": ("size of the file (kB)", _KILO),
    "gzip_bytes": ("size after gzip (kB)", _KILO),
    "latency_p50_us": ("median time for one row (µs)", _PLAIN),
}
_SIZE = (7.2, 3.4)
_NAME_POINTS, _POINTS_PER_INCH = 8, 72
# From so many times the least on, times and sizes are drawn on a logarithmic axis.
_LOGARITHMIC = 4.0
_CELL_INCHES = (0.74, 0.22)


def cost(variants: Sequence[Variant], key: str, label: str, server: float | None, drop: float) -> Chart:
    """The main metric against a cost; a filled circle is accepted, a cross rejected, a ring on the front.

    The front is that of `pareto` in variants.json: of all costs, so that no line over one of them could draw it.

    Args:
        variants: entries of variants.json.
        key: what is drawn across: bytes, gzip_bytes or latency_p50_us.
        label: of the metric, with its unit.
        server: the server model's metric, drawn as a line.
        drop: how much worse a variant may be; the axis spans twice that at least, or noise would look like loss.
    """
    shown = [one for one in variants if one["value"] is not None and math.isfinite(one["value"]) and one[key] > 0]
    title, ticks = _COSTS[key]

    def draw(axes: Axes) -> None:
        limits = _limits(shown, server, drop)
        axes.set_ylim(*limits)
        rings = [one for one in shown if one.get("pareto")]
        for accepted, colour, mark, name in ((True, BLUE, "o", "accepted"), (False, ORANGE, "X", "rejected")):
            _mark(axes, [one for one in shown if bool(one["accepted"]) is accepted], key, limits, colour, mark, name)
        _mark(axes, rings, key, limits, GREEN, "o", "on the front", fillstyle="none", markersize=11)
        if server is not None:
            axes.axhline(server, color=QUIET, linewidth=1, linestyle=":", label="server model")
        axes.set_xlabel(title)
        axes.set_ylabel(label)
        axes.ticklabel_format(axis="y", useOffset=False)
        _set_across(axes, [one[key] for one in shown], ticks)
        if shown:
            axes.figure.legend(loc="outside lower center", ncols=4)
            _set_names(axes, shown, key, limits, server)

    told = ", ".join(
        f"{one['name']} {one[key]:,.0f} and {metric_text(one['value'])}{', on the front' if one.get('pareto') else ''}"
        for one in shown
    )
    return drawn(*_SIZE, f"{label} against {title}: {told}", draw)


def _mark(
    axes: Axes,
    some: Sequence[Variant],
    key: str,
    limits: tuple[float, float],
    colour: str,
    mark: str,
    name: str,
    **how: Any,
) -> None:
    across, up = [one[key] for one in some], [_height(one, limits) for one in some]
    if some:
        look = {"markersize": 6, "zorder": 3, **how}
        axes.plot(across, up, color=colour, marker=mark, linestyle="none", label=name, **look)


def _set_across(axes: Axes, costs: Sequence[float], ticks: FuncFormatter) -> None:
    """Ends and ticks of the costs' axis: as wide as they lie apart, with room for names at both ends."""
    if not costs:
        return
    low, high = min(costs), max(costs)
    if high / low >= _LOGARITHMIC:
        axes.set_xscale("log")
        spare = (high / low) ** 0.12
        axes.set_xlim(low / spare, high * spare)
        # Every tick of a decade would write one number over another.
        axes.xaxis.set_minor_locator(LogLocator(subs=(2, 3, 5, 7)))
        axes.xaxis.set_minor_formatter(ticks)
    else:
        # Of equal costs, a twentieth.
        spare = max((high - low) * 0.15, low / 20)
        axes.set_xlim(low - spare, high + spare)
        axes.xaxis.set_major_locator(MaxNLocator(7))
    axes.xaxis.set_major_formatter(ticks)


def _limits(shown: Sequence[Variant], server: float | None, drop: float) -> tuple[float, float]:
    """The ends of the metric's axis. One rejected far off would squeeze all others into a line, and stands outside."""
    values = [one["value"] for one in shown if one["accepted"]] or [one["value"] for one in shown]
    values += [] if server is None else [server]
    low, high = min(values, default=0.0), max(values, default=1.0)
    # Of equal values without a drop, a part of their own size.
    spare = max((high - low) * 0.35, (4 * drop - (high - low)) / 2, 1e-6 * max(abs(low), abs(high))) or 1e-6
    return low - spare, high + spare


def _height(one: Variant, limits: tuple[float, float]) -> float:
    """Where a mark stands: one outside the limits at their edge."""
    margin = 0.06 * (limits[1] - limits[0])
    return float(min(max(one["value"], limits[0] + margin), limits[1] - margin))


def _name(one: Variant, limits: tuple[float, float]) -> str:
    """The name, with the value of one that stands outside."""
    inside = limits[0] <= one["value"] <= limits[1]
    return str(one["name"]) if inside else f"{one['name']} at {metric_text(one['value'])}"


def _set_names(
    axes: Axes, shown: Sequence[Variant], key: str, limits: tuple[float, float], server: float | None
) -> None:
    """Names beside the marks, with a line to the mark from one that found no place near it."""
    # Where the axes stand in the figure is known only then.
    figure = axes.get_figure(root=True)
    if figure is None:
        raise ValueError("the axes are in no figure")
    figure.draw_without_rendering()
    inch = figure.dpi / _POINTS_PER_INCH
    corner = axes.bbox.min
    points = [(one[key], _height(one, limits)) for one in shown]
    marks = [tuple((axes.transData.transform(point) - corner) / inch) for point in points]
    names = [_name(one, limits) for one in shown]
    widths = [TextPath((0, 0), name, _NAME_POINTS).get_extents().width + 8 for name in names]
    level = None if server is None else (axes.transData.transform((points[0][0], server)) - corner)[1] / inch
    area = (axes.bbox.width / inch, axes.bbox.height / inch)
    for name, point, label in zip(names, points, placed(marks, widths, area, level), strict=True):
        x, y = label.mark
        place: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "va": "center", "zorder": 4}
        offset = (label.middle[0] - x, label.middle[1] - y)
        axes.annotate(name, point, offset, color=INK, fontsize=_NAME_POINTS, **place)
        if label.has_line:
            line = {"arrowstyle": "-", "color": QUIET, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 4}
            axes.annotate("", point, (label.end[0] - x, label.end[1] - y), textcoords="offset points", arrowprops=line)


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
    # A change that rounds to nothing has no direction.
    text = rounded(scale * change, form)
    text = text.removeprefix("+") if text in ("+0.0", "+0") else text
    weight = "bold" if sure and lost > 0 else "normal"
    axes.text(across, down, text, ha="center", va="center", color=INK, fontsize=8, fontweight=weight)
