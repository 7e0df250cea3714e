"""A metric over runs."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from reports.charts.canvas import BLUE, ORANGE, Chart, drawn
from schema.rounding import metric_text


def over_runs(points: Sequence[tuple[str, float, bool]], label: str) -> Chart:
    """The metric of each run from the oldest on: (name, value, pushed); a filled circle was pushed, a cross was not."""

    def draw(axes: Axes) -> None:
        places = range(len(points))
        axes.plot(places, [value for _, value, _ in points], color=BLUE, linewidth=1)
        for pushed, colour, mark, name in ((True, BLUE, "o", "pushed"), (False, ORANGE, "X", "not pushed")):
            chosen = [place for place in places if points[place][2] is pushed]
            axes.plot(
                chosen, [points[place][1] for place in chosen], color=colour, marker=mark, linestyle="", label=name
            )
        axes.set_xticks(places, [name for name, _, _ in points], rotation=30, ha="right")
        axes.set_ylabel(label)
        axes.margins(x=0.08, y=0.2)
        axes.legend()

    told = ", ".join(f"{name} {metric_text(value)}" for name, value, _ in points)
    return drawn(max(3.5, 1.6 + 0.55 * len(points)), 2.9, f"{label} over runs: {told}", draw)
