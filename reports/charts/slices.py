"""A metric by slice, with intervals."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes

from reports.artifacts.evaluation import BASELINE, CANDIDATE, SliceResult
from reports.charts.canvas import BLUE, INK, ORANGE, QUIET, Chart, drawn
from schema.rounding import metric_form, rounded

_ROW_INCHES = 0.21


def forest(slices: Sequence[SliceResult], overall: SliceResult, metric: str, label: str) -> Chart:
    """The metric of each slice with its 95 % interval, beside the baseline's, from the first at the top.

    The line across all is the whole test split's value.
    """

    def draw(axes: Axes) -> None:
        whole = overall.estimate(metric).value
        axes.axvline(whole, color=QUIET, linewidth=1, linestyle=":")
        axes.text(whole, -0.9, f"all rows {_short(whole)}", ha="center", color=QUIET, fontsize=8)
        for place, one in enumerate(slices):
            _estimate(axes, place, one, metric)
        axes.set_yticks(range(len(slices)), [f"{one.name}  ({one.rows:,})" for one in slices])
        axes.set_ylim(len(slices) - 0.4, -1.2)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.set_xlabel(label)
        if any(not math.isnan(one.estimate(metric, BASELINE).value) for one in slices):
            axes.plot([], [], color=BLUE, marker="o", linestyle="none", label="candidate")
            axes.plot([], [], color=ORANGE, marker="|", linestyle="none", label="baseline", markersize=9)
            axes.figure.legend(loc="outside lower center", ncols=2)

    height = 0.9 + _ROW_INCHES * (len(slices) + 1)
    return drawn(6.4, height, f"{label} by slice: {', '.join(_told(one, metric) for one in slices[:5])} ...", draw)


def _estimate(axes: Axes, place: int, one: SliceResult, metric: str) -> None:
    estimate = one.estimate(metric)
    before = one.estimate(metric, BASELINE).value
    if not math.isnan(before):
        axes.plot(before, place, color=ORANGE, marker="|", markersize=9, markeredgewidth=2)
    if math.isnan(estimate.value):
        return
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [place, place], color=BLUE, linewidth=1.4)
    axes.plot(estimate.value, place, color=BLUE, marker="o", markersize=4.5)


def _told(one: SliceResult, metric: str) -> str:
    return f"{one.name} {_short(one.estimate(metric, CANDIDATE).value)}"


def _short(metric: float) -> str:
    return rounded(metric, metric_form(metric, places=3))
