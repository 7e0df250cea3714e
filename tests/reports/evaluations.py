"""Evaluations as the report has them, from numbers that are chosen."""

import numpy as np

from reports.artifacts.bounds import Bound
from reports.artifacts.curves import Calibration, Curves, Decisions
from reports.artifacts.evaluation import SliceResult
from reports.artifacts.intervals import Estimate
from reports.views.evaluation import Evaluation
from schema.problem import Task


def one_slice(
    name: str, rows: int, auc: float, baseline: float | None = None, spread: float | None = 0.01
) -> SliceResult:
    """A slice named `feature=value`, or `overall`, whose AUC has an interval of twice `spread`."""
    pairs = () if name == "overall" else (tuple(name.split("=")),)
    sides = {
        "candidate": {"auc": _around(auc, spread), "example_count": Estimate(float(rows))},
        "baseline": {},
        "change": {},
    }
    if baseline is not None:
        sides["baseline"] = {"auc": _around(baseline, spread)}
        sides["change"] = {"auc": _around(auc - baseline, spread)}
    return SliceResult(name, pairs, rows, sides)


def _around(value: float, spread: float | None) -> Estimate:
    return Estimate(value) if spread is None else Estimate(value, value - spread, value + spread)


def decisions(positives: float = 30.0, negatives: float = 70.0) -> Decisions:
    """All positive; two thirds of the positives with a tenth of the others; none."""
    return Decisions(
        np.array([-1e-7, 0.5, 1.0]),
        np.array([positives, positives * 2 / 3, 0.0]),
        np.array([negatives, negatives / 10, 0.0]),
        np.array([0.0, negatives * 9 / 10, negatives]),
        np.array([0.0, positives / 3, positives]),
    )


def curves() -> Curves:
    """Of a model that is well calibrated."""
    return Curves(decisions(), Calibration(np.array([0.2, 0.8]), np.array([0.25, 0.75]), np.array([60.0, 40.0])))


def binary(*slices: SliceResult, bounds: tuple[Bound, ...] = (), one_class: tuple[str, ...] = ()) -> Evaluation:
    """A binary evaluation of these slices, the whole first; of the slices in `one_class` no label is positive."""
    found = {one.name: {"candidate": curves()} for one in slices}
    found |= {name: {"candidate": Curves(decisions(positives=0.0))} for name in one_class}
    return Evaluation(Task.BINARY, slices, found, bounds)
