"""A config's metrics as TFMA's tree: leaves that see rows, and what is derived from their results."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics import (
    binary_confusion_matrices,
    confusion_matrix_metrics,
    metric_specs,
    metric_types,
)
from tensorflow_model_analysis.proto import config_pb2

from evaluation.registry import vector_form
from evaluation.vector_form import VectorForm
from schema.errors import InputError


@dataclass(frozen=True)
class Leaf:
    """A computation over the rows as one model answers them."""

    model: str
    form: VectorForm
    # Of its results; those of one leaf are no other's.
    keys: tuple[Any, ...]


@dataclass(frozen=True)
class Computations:
    """Leaves, and derived computations in the order in which they depend on each other.

    `areas` are the keys of areas under curves, which have no value on rows of one class: TFMA says 0 there, or 1 of a
    curve of precision and recall, whatever the model answers.
    """

    leaves: tuple[Leaf, ...]
    derived: tuple[Any, ...]
    areas: frozenset[Any] = frozenset()

    def derive(self, results: Mapping[Any, Any]) -> dict[Any, Any]:
        """A slice's results with everything that is derived from them, by metric key; NaN where undefined."""
        values = dict(results)
        for computation in self.derived:
            values.update(computation.result(values))
        return values | {key: np.nan for key in self.areas if _is_one_class(values, key.model_name)}


def computations(config: config_pb2.EvalConfig) -> Computations:
    """The tree of a config whose defaults are filled in; a computation that several metrics share stands there once.

    Raises:
        InputError: for a metric without a vector form.
    """
    leaves: list[Leaf] = []
    derived: list[Any] = []
    # Equal computations have equal hashes, and the first one added stands before all that depends on it.
    for computation in dict.fromkeys(metric_specs.to_computations(list(config.metrics_specs), eval_config=config)):
        if isinstance(computation, metric_types.MetricComputation):
            leaves.append(Leaf(computation.keys[0].model_name, vector_form(computation), tuple(computation.keys)))
        elif isinstance(computation, metric_types.DerivedMetricComputation):
            derived.append(computation)
        else:
            raise InputError(f"expected computations over rows or over results. Received: {type(computation).__name__}")
    return Computations(tuple(leaves), tuple(derived), _areas(config))


def _areas(config: config_pb2.EvalConfig) -> frozenset[Any]:
    named = metric_specs.keys_and_metrics_from_specs(config, config.metrics_specs)
    return frozenset(key for key, _, metric in named if isinstance(metric, confusion_matrix_metrics.AUC))


def _is_one_class(values: Mapping[Any, Any], model: str) -> bool:
    """Whether a model's confusion matrices are of positive rows alone, or of negative rows alone."""
    kind = binary_confusion_matrices.Matrices
    found = next(value for key, value in values.items() if key.model_name == model and isinstance(value, kind))
    # At each threshold all rows are counted, so one threshold tells.
    positives, negatives = found.tp[0] + found.fn[0], found.fp[0] + found.tn[0]
    return bool(positives == 0 or negatives == 0)


def is_private(key: Any) -> bool:
    """Whether TFMA shares the result between metrics and shows it to nobody."""
    name: str = key.name
    return name.startswith("_") and not name.startswith("__")
