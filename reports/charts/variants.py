"""Device variants: what each costs, and how good it is."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from reports.charts.canvas import BLUE, INK, ORANGE, QUIET, Chart, drawn

_KILO = FuncFormatter(lambda value, _: f"{value / 1000:,g}")
_COSTS = {"bytes": ("size of the file (kB)", _KILO), "latency_p50_us": ("median time for one row (µs)", None)}


def cost(variants: Sequence[Mapping[str, Any]], key: str, label: str, server: float | None, drop: float) -> Chart:
    """The main metric against `bytes` or `latency_p50_us`; a filled circle is accepted, a cross rejected.

    Args:
        variants: entries of variants.json.
        key: what is drawn across.
        label: of the metric, with its unit.
        server: the server model's metric, drawn as a line.
        drop: how much worse a variant may be; the axis spans twice that at least, or noise would look like loss.
    """
    shown = [one for one in variants if one["value"] is not None and math.isfinite(one["value"]) and one[key] > 0]
    title, ticks = _COSTS[key]

    def draw(axes: Axes) -> None:
        for place, one in enumerate(shown):
            colour, mark = (BLUE, "o") if one["accepted"] else (ORANGE, "X")
            axes.plot(one[key], one["value"], color=colour, marker=mark, linestyle="none", markersize=7)
            # Names of variants that lie side by side go above and below.
            offset = (0, 7 if place % 2 == 0 else -13)
            axes.annotate(
                one["name"],
                (one[key], one["value"]),
                offset,
                textcoords="offset points",
                ha="center",
                color=INK,
                fontsize=8,
            )
        for accepted, colour, mark, name in ((True, BLUE, "o", "accepted"), (False, ORANGE, "X", "rejected")):
            if any(one["accepted"] is accepted for one in shown):
                axes.plot([], [], color=colour, marker=mark, linestyle="none", label=name)
        axes.margins(x=0.22, y=0.28)
        if server is not None:
            axes.axhline(server, color=QUIET, linewidth=1, linestyle=":", label="server model")
        low, high = axes.get_ylim()
        spare = max(0.0, 2 * drop - (high - low)) / 2
        axes.set_ylim(low - spare, high + spare)
        axes.set_xlabel(title)
        axes.set_ylabel(label)
        axes.ticklabel_format(axis="y", useOffset=False)
        if ticks is not None:
            axes.xaxis.set_major_formatter(ticks)
        axes.legend(loc="best")

    told = ", ".join(f"{one['name']} {one[key]:,.0f} and {one['value']:.4f}" for one in shown)
    return drawn(3.5, 2.9, f"{label} against {title}: {told}", draw)
