"""ROC, precision and recall, calibration, and confusion of classes."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from reports.artifacts.curves import Calibration, Confusion, Decisions
from reports.charts.canvas import BLUE, GRID, INK, ORANGE, QUIET, Chart, drawn

_SIZE = (3.3, 3.0)
# Candidate and baseline: by colour and by dash.
_LINES = {"candidate": (BLUE, "-"), "baseline": (ORANGE, "--")}
_MARKS = {"candidate": "o", "baseline": "s"}
_SHOWN_CLASSES = 20


def roc(models: Mapping[str, Decisions], threshold: float) -> Chart:
    """True positive rate against false positive rate of each model, the threshold in use marked."""

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=GRID, linewidth=1)
        for name, decisions in models.items():
            across, up = decisions.roc()
            _line(axes, name, across, up, decisions.at(threshold), threshold)
        _unit_square(axes, "false positive rate (share of negatives)", "true positive rate (share of positives)")
        axes.set_title("ROC curve")
        axes.legend(loc="lower right")

    return drawn(*_SIZE, _alt("ROC curve", models), draw)


def precision_recall(models: Mapping[str, Decisions], threshold: float) -> Chart:
    """Precision against recall of each model; the line across is the share of positives, which guessing gives."""

    def draw(axes: Axes) -> None:
        for name, decisions in models.items():
            share = decisions.positives / (decisions.positives + decisions.negatives)
            axes.axhline(share, color=GRID, linewidth=1)
            recall, precision = decisions.precision_recall()
            _line(axes, name, recall, precision, min(decisions.at(threshold), len(recall) - 1), threshold)
        _unit_square(axes, "recall (share of positives)", "precision (share of predicted)")
        axes.set_title("Precision and recall")
        axes.legend(loc="upper right")

    return drawn(*_SIZE, _alt("Precision-recall curve", models), draw)


def calibration(models: Mapping[str, Calibration]) -> Chart:
    """Share of positives against predicted probability; the diagonal is perfect; the larger the mark, the more rows."""

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=GRID, linewidth=1)
        for name, one in models.items():
            colour, dash = _LINES[name]
            axes.plot(one.predicted, one.observed, color=colour, linestyle=dash, linewidth=1)
            sizes = 4 + 60 * one.rows / one.rows.max()
            axes.scatter(one.predicted, one.observed, sizes, color=colour, marker=_MARKS[name], label=name)
        _unit_square(axes, "mean predicted probability", "share of positive labels")
        axes.set_title("Calibration")
        axes.legend(loc="upper left")

    return drawn(*_SIZE, _alt("Calibration curve", models), draw)


def confusion(one: Confusion, classes: Sequence[str]) -> Chart:
    """Rows by true and predicted class as shares of the true class, with the number of rows in each cell."""
    rows = one.rows[:_SHOWN_CLASSES, :_SHOWN_CLASSES]
    names = [classes[place] if place < len(classes) else str(place) for place in range(len(rows))]
    shares = rows / np.maximum(rows.sum(axis=1, keepdims=True), 1)

    def draw(axes: Axes) -> None:
        axes.grid(visible=False)
        for true, predicted in np.ndindex(*rows.shape):
            share = shares[true, predicted]
            # A square whose area is the share: read without colours.
            axes.scatter(
                predicted, true, 900 * share, color=BLUE if true == predicted else ORANGE, marker="s", alpha=0.35
            )
            axes.text(predicted, true, f"{rows[true, predicted]:,.0f}", ha="center", va="center", color=INK, fontsize=8)
        axes.set_xticks(range(len(names)), names, rotation=45 if len(names) > 5 else 0)
        axes.set_yticks(range(len(names)), names)
        axes.set_xlim(-0.5, len(names) - 0.5)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        axes.set_title("Rows by class")

    size = 1.6 + 0.6 * len(names)
    return drawn(size + 0.6, size, f"Confusion matrix of {len(names)} classes, rows in each cell", draw)


def _line(axes: Axes, name: str, across: np.ndarray, up: np.ndarray, at: int, threshold: float) -> None:
    colour, dash = _LINES[name]
    # A thousand thresholds draw no better line than a hundred.
    shown = np.unique(np.linspace(0, len(across) - 1, 120).astype(int))
    axes.plot(across[shown], up[shown], color=colour, linestyle=dash, label=name)
    axes.plot(across[at], up[at], color=colour, marker=_MARKS[name], linestyle="none", markersize=6)
    if name == "candidate":
        offset = (7, 5)
        axes.annotate(f"at {threshold:g}", (across[at], up[at]), offset, textcoords="offset points", color=QUIET)


def _unit_square(axes: Axes, across: str, up: str) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(across)
    axes.set_ylabel(up)


def _alt(what: str, models: Mapping[str, object]) -> str:
    return f"{what} of {' and '.join(models)}"
