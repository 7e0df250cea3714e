"""Totals of a slice to TFMA's metrics and plots of it."""

import numbers
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.api import types
from tensorflow_model_analysis.evaluators import metrics_validator
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import model_util

from evaluation.computations import Computations, is_private
from evaluation.intervals import Intervals
from evaluation.jackknife import with_interval
from evaluation.shard_totals import SliceTotals
from evaluation.slices import SliceKey

MetricsByKey = dict[Any, Any]


class SliceResults(beam.DoFn):
    """(slice, totals) to (slice, results by metric key), tagged by their kind, and the bare metrics tagged POINTS."""

    # What a verdict is on; of the kinds that are written, the metrics carry their intervals.
    POINTS: ClassVar[str] = "points"
    KINDS: ClassVar[tuple[str, ...]] = (constants.METRICS_KEY, constants.PLOTS_KEY, constants.ATTRIBUTIONS_KEY)

    def __init__(self, tree: Computations, config: config_pb2.EvalConfig, intervals: Intervals | None) -> None:
        super().__init__()
        self._tree, self._intervals = tree, intervals
        baseline = model_util.get_baseline_model_spec(config)
        self._baseline: str = baseline.name if baseline else ""

    def process(self, element: tuple[SliceKey, SliceTotals]) -> Iterator[Any]:
        """Every slice has results of every kind, as TFMA's evaluator has it; of attributions there are none."""
        key, totals = element
        results: MetricsByKey = {}
        for leaf, sums in zip(self._tree.leaves, totals.whole, strict=True):
            results.update(leaf.form.output(sums))
        results = self._tree.derive(results)
        if self._baseline:
            results.update(differences(results, self._baseline))
        shown = {name: value for name, value in results.items() if not is_private(name)}
        plots = {name: value for name, value in shown.items() if isinstance(name, metric_types.PlotKey)}
        metrics = {name: value for name, value in shown.items() if name not in plots}
        yield beam.pvalue.TaggedOutput(self.POINTS, (key, metrics))
        for kind, values in zip(self.KINDS, (self._with_intervals(metrics, totals), plots, {}), strict=True):
            yield beam.pvalue.TaggedOutput(kind, (key, values))

    def _with_intervals(self, metrics: MetricsByKey, totals: SliceTotals) -> MetricsByKey:
        """The metrics, those that have an interval as TFMA's values with a t-distribution."""
        if self._intervals is None:
            return metrics
        replicates: MetricsByKey = self._intervals.replicates(totals)
        if self._baseline:
            # The difference of two models in each replicate, since both answered the same rows.
            replicates.update(differences(replicates, self._baseline))
        return metrics | {key: with_interval(metrics[key], found) for key, found in replicates.items()}


def differences(results: Mapping[Any, Any], baseline: str) -> MetricsByKey:
    """Candidate minus baseline of every metric that is a number or made of numbers."""
    found: MetricsByKey = {}
    for key, value in results.items():
        if key.model_name == baseline or key.is_diff or is_private(key) or not _has_difference(value):
            continue
        other = key.make_baseline_key(baseline)
        if other in results:
            found[key.make_diff_key()] = value - results[other]
    return found


def _has_difference(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return np.issubdtype(value.dtype, np.number)
    return isinstance(value, numbers.Number | types.StructuredMetricValue)


class Validated:
    """TFMA's verdict on one slice's metrics; called by workers, so it carries the config as bytes."""

    def __init__(self, config: config_pb2.EvalConfig) -> None:
        self._config = config.SerializeToString()

    def __call__(self, element: tuple[SliceKey, MetricsByKey]) -> Any:
        """(slice, metrics) to the ValidationResult."""
        return metrics_validator.validate_metrics(element, config_pb2.EvalConfig.FromString(self._config))
