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

from evaluation.computations import Computations
from evaluation.shard_totals import SliceTotals
from evaluation.slices import SliceKey

MetricsByKey = dict[Any, Any]


class SliceResults(beam.DoFn):
    """(slice, totals) to (slice, results by metric key), tagged by their kind."""

    KINDS: ClassVar[tuple[str, ...]] = (constants.METRICS_KEY, constants.PLOTS_KEY, constants.ATTRIBUTIONS_KEY)

    def __init__(self, tree: Computations, config: config_pb2.EvalConfig) -> None:
        super().__init__()
        self._tree = tree
        baseline = model_util.get_baseline_model_spec(config)
        self._baseline: str = baseline.name if baseline else ""

    def process(self, element: tuple[SliceKey, SliceTotals]) -> Iterator[Any]:
        """Every slice has results of every kind, as TFMA's evaluator has it; of attributions there are none."""
        key, totals = element
        results: MetricsByKey = {}
        for leaf, sums in zip(self._tree.leaves, totals, strict=True):
            results.update(leaf.form.output(sums))
        results = self._tree.derive(results)
        if self._baseline:
            results.update(differences(results, self._baseline))
        shown = {name: value for name, value in results.items() if not _is_private(name)}
        plots = {name: value for name, value in shown.items() if isinstance(name, metric_types.PlotKey)}
        metrics = {name: value for name, value in shown.items() if name not in plots}
        for kind, values in zip(self.KINDS, (metrics, plots, {}), strict=True):
            yield beam.pvalue.TaggedOutput(kind, (key, values))


def differences(results: Mapping[Any, Any], baseline: str) -> MetricsByKey:
    """Candidate minus baseline of every metric that is a number or made of numbers."""
    found: MetricsByKey = {}
    for key, value in results.items():
        if key.model_name == baseline or key.is_diff or _is_private(key) or not _has_difference(value):
            continue
        other = key.make_baseline_key(baseline)
        if other in results:
            found[key.make_diff_key()] = value - results[other]
    return found


def _has_difference(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return np.issubdtype(value.dtype, np.number)
    return isinstance(value, numbers.Number | types.StructuredMetricValue)


def _is_private(key: Any) -> bool:
    """Whether TFMA shares the result between metrics and shows it to nobody."""
    return key.name.startswith("_") and not key.name.startswith("__")


class Validated:
    """TFMA's verdict on one slice's metrics; called by workers, so it carries the config as bytes."""

    def __init__(self, config: config_pb2.EvalConfig) -> None:
        self._config = config.SerializeToString()

    def __call__(self, element: tuple[SliceKey, MetricsByKey]) -> Any:
        """(slice, metrics) to the ValidationResult."""
        return metrics_validator.validate_metrics(element, config_pb2.EvalConfig.FromString(self._config))
