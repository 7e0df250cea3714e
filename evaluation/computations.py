"""A config's metrics as TFMA's tree: leaves that see rows, and what is derived from their results."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tensorflow_model_analysis.metrics import metric_specs, metric_types
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
    """Leaves, and derived computations in the order in which they depend on each other."""

    leaves: tuple[Leaf, ...]
    derived: tuple[Any, ...]

    def derive(self, results: Mapping[Any, Any]) -> dict[Any, Any]:
        """A slice's results with everything that is derived from them, by metric key."""
        values = dict(results)
        for computation in self.derived:
            values.update(computation.result(values))
        return values


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
    return Computations(tuple(leaves), tuple(derived))


def is_private(key: Any) -> bool:
    """Whether TFMA shares the result between metrics and shows it to nobody."""
    name: str = key.name
    return name.startswith("_") and not name.startswith("__")
