"""A task's metrics of rows that are there already, by the forms that evaluate whole columns; nothing is read or run."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from components.evaluation.eval_config import eval_config
from evaluation.computations import Computations, computations, is_private
from evaluation.curves import Curve, curves, without_matrices
from evaluation.scored_slices import single_model_config
from evaluation.totals import Totals, merge, total
from evaluation.vector_form import Scored
from tests.evaluation.conftest import CASES

# Probability from which the binary case decides for the positive class.
THRESHOLD = 0.37


@dataclass(frozen=True)
class Vectors:
    """The tree of a task's metrics, without plots."""

    tree: Computations
    curves: Mapping[int, Curve]

    def totals(self, labels: Any, predictions: Any) -> list[Totals]:
        """The totals of each leaf, of labels [N] and predictions [N] or [N, classes]."""
        answers = np.asarray(predictions, np.float32).reshape(len(labels), -1)
        rows = Scored("model", np.asarray(labels), answers)
        found = [leaf.form.cells(rows) for leaf in self.tree.leaves]
        return [total(cells.cell, cells.values) for cells in found]

    def results(self, totals: list[Totals]) -> dict[str, Any]:
        """Every result by name, the private confusion matrices included; NaN where undefined."""
        results: dict[Any, Any] = {}
        for place, (leaf, part) in enumerate(zip(self.tree.leaves, totals, strict=True)):
            if place in self.curves:
                results |= {key: cuts.whole(part) for key, cuts in self.curves[place].cuts.items()}
            else:
                results |= leaf.form.output(part)
        with np.errstate(divide="ignore", invalid="ignore"):
            return {key.name: value for key, value in self.tree.derive(results).items()}

    def metrics(self, labels: Any, predictions: Any) -> dict[str, float]:
        """The metrics by name."""
        return self.shown(self.totals(labels, predictions))

    def shown(self, totals: list[Totals]) -> dict[str, float]:
        """The metrics by name, of totals."""
        results = self.results(totals)
        return {key.name: float(results[key.name]) for key in self._keys() if not is_private(key)}

    def _keys(self) -> list[Any]:
        leaves = [key for leaf in self.tree.leaves for key in leaf.keys]
        return [key for key in [*leaves, *(key for one in self.tree.derived for key in one.keys)] if key.name]


def merged(parts: list[list[Totals]]) -> list[Totals]:
    """The totals by leaf of several parts."""
    return [merge(of_leaf) for of_leaf in zip(*parts, strict=True)]


@cache
def vectors(task: str) -> Vectors:
    """The task's metrics, all of them."""
    tree = computations(single_model_config(eval_config(CASES[task]().problem)))
    found = curves(tree)
    return Vectors(without_matrices(tree, found), {curve.place: curve for curve in found})
