"""Training's curves by epoch."""

import math

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from reports.artifacts.training import TrainingCurve
from reports.charts.canvas import BLUE, ORANGE, QUIET, Chart, drawn

_LINES = {"train": (BLUE, "-", "o"), "eval": (ORANGE, "--", "s")}


def epochs(curve: TrainingCurve, label: str, best: int | None) -> Chart:
    """One scalar after each epoch, on the splits that have it; the epoch that was kept is marked."""

    def draw(axes: Axes) -> None:
        for split, values in curve.splits.items():
            colour, dash, mark = _LINES[split]
            finite = {epoch: value for epoch, value in values.items() if math.isfinite(value)}
            axes.plot(list(finite), list(finite.values()), color=colour, linestyle=dash, marker=mark, label=split)
        if best is not None:
            axes.axvline(best, color=QUIET, linewidth=1, linestyle=":")
            axes.annotate("kept", (best, 1), (3, -8), xycoords=("data", "axes fraction"), textcoords="offset points")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("epoch")
        axes.set_title(label)
        axes.legend()

    told = "; ".join(
        f"{split}: {', '.join(f'{v:.4g}' for v in curve.splits[split].values())}" for split in curve.splits
    )
    return drawn(3.3, 2.5, f"{label} by epoch. {told}", draw)
