"""Which metrics have a confidence interval, and their values with one fold of rows left out at a time."""

import numbers
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics import metric_specs, metric_types
from tensorflow_model_analysis.proto import config_pb2

from evaluation.computations import Computations, computations, is_private
from evaluation.curves import Curve, curves, without_matrices
from evaluation.left_out import LeftOut, left_out
from evaluation.shard_totals import SliceTotals
from evaluation.totals import Floats


@dataclass(frozen=True)
class Intervals:
    """What replicates are made of: TFMA's tree of the metrics that have an interval.

    `places` are those of its leaves in the whole tree, `keys` those of its metrics.
    """

    tree: Computations
    places: tuple[int, ...]
    curves: tuple[Curve, ...]
    keys: frozenset[Any]

    def replicates(self, totals: SliceTotals) -> dict[Any, Floats]:
        """The metrics of one slice, [folds] by key, without the rows of each fold that has one; NaN where undefined.

        Memory is that of one model's histograms: 20 folds x 10,002 buckets x 3 numbers, a few times.
        """
        outcomes: list[dict[Any, Any]] = []
        curves = {curve.place: curve for curve in self.curves}
        for place, (leaf, folded) in enumerate(zip(self.tree.leaves, totals.folded, strict=True)):
            left = left_out(folded)
            found = list(_matrices(curves[place], left)) if place in curves else leaf.form.outputs(left.totals())
            outcomes = [before | more for before, more in zip(outcomes or [{}] * len(found), found, strict=True)]
        # TFMA divides by zero where the rows of a fold were all that lay between two thresholds, and leaves that out.
        with np.errstate(divide="ignore", invalid="ignore"):
            values = [self.tree.derive(results) for results in outcomes]
        return {
            key: np.array([value[key] for value in values], np.float64)
            for key in self.keys
            if _is_number(values[0][key])
        }


def _matrices(curve: Curve, left: LeftOut) -> Iterator[dict[Any, Any]]:
    for by_key in zip(*(cuts.matrices(left) for cuts in curve.cuts.values()), strict=True):
        yield dict(zip(curve.cuts, by_key, strict=True))


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Number)


def intervals(config: config_pb2.EvalConfig, whole: Computations) -> Intervals | None:
    """The intervals that a config asks for; None where it asks for none, or has no metric with an interval.

    Args:
        config: with its defaults filled in.
        whole: the tree of all its metrics and plots.
    """
    if not config.options.compute_confidence_intervals.value:
        return None
    kept = _with_intervals(config)
    named = list(metric_specs.keys_and_metrics_from_specs(kept, kept.metrics_specs))
    if not named:
        return None
    tree = computations(kept)
    places = {leaf.keys: place for place, leaf in enumerate(whole.leaves)}
    found = curves(tree)
    return Intervals(
        without_matrices(tree, found),
        tuple(places[leaf.keys] for leaf in tree.leaves),
        found,
        frozenset(key for key, _, _ in named),
    )


def _with_intervals(config: config_pb2.EvalConfig) -> config_pb2.EvalConfig:
    """The config without its plots, and without the metrics that TFMA gives no interval, such as the count of rows."""
    kept = config_pb2.EvalConfig()
    kept.CopyFrom(config)
    for spec in kept.metrics_specs:
        metrics = [metric for metric in spec.metrics if _has_interval(metric, spec, config)]
        del spec.metrics[:]
        spec.metrics.extend(metrics)
    return kept


def _has_interval(metric: config_pb2.MetricConfig, spec: config_pb2.MetricsSpec, config: config_pb2.EvalConfig) -> bool:
    alone = config_pb2.MetricsSpec(metrics=[metric], model_names=spec.model_names)
    if metric_specs.metric_keys_to_skip_for_confidence_intervals([alone], eval_config=config):
        return False
    found = metric_specs.to_computations([alone], eval_config=config)
    shown = [key for computation in found for key in computation.keys if not is_private(key)]
    return not any(isinstance(key, metric_types.PlotKey) for key in shown)
