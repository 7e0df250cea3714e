"""What every chart is drawn on: one style, and colours that a page may exchange for a dark scheme."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's colours, which people with any common form of colour blindness tell apart ("Color Universal Design",
# 2008); charts tell their series apart by marker or dash as well.
INK, QUIET, GRID, PAPER = "#24292f", "#5e6873", "#d5dae0", "#fdfdfe"
BLUE, ORANGE, GREEN = "#0072b2", "#c45a00", "#00785a"
_NAMES = {INK: "ink", QUIET: "quiet", GRID: "grid", PAPER: "paper", BLUE: "blue", ORANGE: "orange", GREEN: "green"}
_DARK = {
    INK: "#e6edf3",
    QUIET: "#9aa5b1",
    GRID: "#39424d",
    PAPER: "#161b22",
    BLUE: "#56b4e9",
    ORANGE: "#f0a050",
    GREEN: "#3fc79a",
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    # Else the ids inside differ from drawing to drawing.
    "svg.hashsalt": "chart",
    "font.family": "sans-serif",
    # Names of features and slices are not formulas.
    "text.parse_math": False,
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": QUIET,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.facecolor": PAPER,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": PAPER,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}
# CSS's pixel, of which an inch has as many on every screen.
_PIXELS_PER_INCH = 96
_FONT = re.compile(r"font: ([^;']*?px) [^;]*?sans-serif")


@dataclass(frozen=True)
class Chart:
    """A drawing, and what it shows in words for people who do not see it.

    Attributes:
        svg: has colours of a light scheme by name, see `in_scheme`.
        alt: the words.
        width: at which its letters are of their own size, in pixels of CSS.
    """

    svg: str
    alt: str
    width: float

    def in_scheme(self, *, adaptive: bool) -> str:
        """The SVG for an <img>: in light colours, or in those that the reader's system asks for.

        A notebook's theme is no concern of the system's, so that there only light colours are sure to be readable.
        """
        light = "".join(f"--{name}:{colour};" for colour, name in _NAMES.items())
        style = f":root{{{light}}}"
        if adaptive:
            dark = "".join(f"--{_NAMES[colour]}:{other};" for colour, other in _DARK.items())
            style += f"@media (prefers-color-scheme: dark){{:root{{{dark}}}}}"
        return self.svg.replace("<defs>", f"<style>{style}</style><defs>", 1)


def drawn(width: float, height: float, alt: str, draw: Callable[[Axes], Any]) -> Chart:
    """One chart on one pair of axes.

    Args:
        width: in inches of 72 points.
        height: the same.
        alt: what the chart shows, in a sentence.
        draw: draws on the axes.
    """
    with rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure.add_subplot())
        return Chart(_svg(figure), alt, width * _PIXELS_PER_INCH)


def _svg(figure: Figure) -> str:
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    # Without the XML prologue and its reference to a document type elsewhere.
    svg = text.getvalue().partition("<svg")
    found = _FONT.sub(r"font: \1 sans-serif", svg[1] + svg[2])
    for colour, name in _NAMES.items():
        found = found.replace(colour, f"var(--{name})")
    return found


def filled(width: float, height: float, alt: str, draw: Callable[[Axes], Any]) -> Chart:
    """One drawing without ticks, frame and grid, up to the edges; see drawn."""
    with rc_context(_STYLE):
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        draw(axes)
        return Chart(_svg(figure), alt, width * _PIXELS_PER_INCH)
