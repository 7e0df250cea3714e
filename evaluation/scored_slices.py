"""Metrics of answers that are there already, by slice: what an evaluation of the same rows gives, without Beam."""

import itertools
import math
import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import config_util

from evaluation.computations import computations, is_private
from evaluation.curves import curves, without_matrices
from evaluation.slices import RowSlices
from evaluation.totals import Integers, Totals, total
from evaluation.vector_form import CELLS, Cells, Scored

# A metric without a value, as of rows of one class, is None.
Values = dict[str, float | None]


class ScoredSlices:
    """The metrics of a config, of any model's answers to the same rows.

    Every metric is summed and derived by what Evaluator's node sums and derives it by, so that the figures are equal.
    """

    def __init__(self, config: config_pb2.EvalConfig, labels: NDArray[Any], slices: RowSlices) -> None:
        """Takes what all models share.

        Args:
            config: TFMA's; of its models the first, and no plots.
            labels: [N], of the dtype that the metrics expect.
            slices: of all N rows.

        Raises:
            InputError: for a metric that has no vector form.
        """
        tree = computations(single_model_config(config))
        found = curves(tree)
        self._curves = {curve.place: curve for curve in found}
        self._tree = without_matrices(tree, found)
        self._labels, self._slices = labels, slices

    def metrics(self, model: str, predictions: NDArray[np.floating[Any]]) -> list[Values]:
        """The metrics by name, for each of the slices in their order.

        Args:
            model: what messages call the model.
            predictions: float32 [N, outputs], finite.

        Raises:
            InputError: for answers that the metrics do not take.
        """
        results: list[dict[Any, Any]] = [{} for _ in self._slices.keys]
        for place, leaf in enumerate(self._tree.leaves):
            cells = leaf.form.cells(Scored(model, self._labels, predictions))
            for result, part in zip(results, self._by_slice(cells), strict=True):
                result.update(self._outcome(place, part))
        return [_numbers(self._tree.derive(result)) for result in results]

    def places(self, model: str, predictions: NDArray[np.floating[Any]]) -> Integers | None:
        """Each row's place [N] among the thresholds of the ROC curve; None of a config without one."""
        for place, curve in self._curves.items():
            bucket = self._tree.leaves[place].form.cells(Scored(model, self._labels, predictions)).cell
            thresholds = next(iter(curve.cuts.values()))
            found: Integers = np.searchsorted(thresholds.first, bucket, side="right")
            return found
        return None

    def _by_slice(self, cells: Cells) -> list[Totals]:
        """The totals of each slice by cell."""
        row, slices = self._slices.row, len(self._slices.keys)
        whole = total(self._slices.place * CELLS + cells.cell[row], cells.values[row])
        edges = np.searchsorted(whole.keys, np.arange(slices + 1) * CELLS).tolist()
        return [
            Totals(whole.keys[start:end] % CELLS, whole.sums[start:end]) for start, end in itertools.pairwise(edges)
        ]

    def _outcome(self, place: int, part: Totals) -> dict[Any, Any]:
        if place not in self._curves:
            return self._tree.leaves[place].form.output(part)
        # The matrices that TFMA makes of the histogram bucket by bucket, for which it takes a second a model.
        return {key: cuts.whole(part) for key, cuts in self._curves[place].cuts.items()}


def single_model_config(config: config_pb2.EvalConfig) -> config_pb2.EvalConfig:
    """The config of the candidate alone, without plots, confidence intervals and thresholds."""
    kept = config_util.update_eval_config_with_defaults(config, has_baseline=False, rubber_stamp=True)
    for spec in kept.metrics_specs:
        metrics = [metric for metric in spec.metrics if not metric.class_name.endswith("Plot")]
        for metric in metrics:
            metric.ClearField("threshold")
            del metric.per_slice_thresholds[:]
        del spec.metrics[:]
        spec.metrics.extend(metrics)
    kept.ClearField("options")
    return kept


def _numbers(results: dict[Any, Any]) -> Values:
    shown = {key.name: value for key, value in results.items() if _is_number(key, value)}
    return {name: float(value) if math.isfinite(value) else None for name, value in shown.items()}


def _is_number(key: Any, value: Any) -> bool:
    return isinstance(key, metric_types.MetricKey) and not is_private(key) and isinstance(value, numbers.Number)
