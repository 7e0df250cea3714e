"""What of TFMA's EvalConfig is evaluated here. Anything else is refused, since it would be left out in silence."""

from collections.abc import Iterator
from typing import Any

from tensorflow_model_analysis.proto import config_pb2

from schema.errors import InputError

_FIELDS: dict[str, frozenset[str]] = {
    "EvalConfig": frozenset({"model_specs", "slicing_specs", "metrics_specs"}),
    "ModelSpec": frozenset(
        {
            "name",
            "model_type",
            "signature_name",
            "preprocessing_function_names",
            "label_key",
            "prediction_key",
            "is_baseline",
        }
    ),
    "MetricsSpec": frozenset({"metrics", "model_names", "thresholds", "per_slice_thresholds"}),
    "MetricConfig": frozenset({"class_name", "module", "config", "threshold", "per_slice_thresholds"}),
    "SlicingSpec": frozenset({"feature_keys"}),
}


def check_config(config: config_pb2.EvalConfig) -> None:
    """Refuses a config with a setting that has no vector form.

    Raises:
        InputError: naming the setting and those that are understood.
    """
    for message in _messages(config):
        kind = message.DESCRIPTOR.name
        for field, _ in message.ListFields():
            if field.name not in _FIELDS[kind]:
                raise InputError(
                    f"eval_config: {kind}.{field.name} is not evaluated in vectors. "
                    f"Expected only {', '.join(sorted(_FIELDS[kind]))}. Received: {getattr(message, field.name)}"
                )


def _messages(config: config_pb2.EvalConfig) -> Iterator[Any]:
    yield config
    yield from config.model_specs
    yield from config.slicing_specs
    for spec in config.metrics_specs:
        yield spec
        yield from spec.metrics
