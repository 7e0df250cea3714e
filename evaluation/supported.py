"""What of TFMA's EvalConfig is evaluated here. Anything else is refused, since it would be left out in silence."""

from collections.abc import Iterator
from typing import Any

from tensorflow_model_analysis.proto import config_pb2

from schema.errors import InputError

_FIELDS: dict[str, frozenset[str]] = {
    "EvalConfig": frozenset({"model_specs", "slicing_specs", "metrics_specs", "options"}),
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
    "Options": frozenset({"compute_confidence_intervals", "confidence_intervals"}),
    "ConfidenceIntervalOptions": frozenset({"method"}),
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
    _check_intervals(config.options)


def _check_intervals(options: config_pb2.Options) -> None:
    methods = config_pb2.ConfidenceIntervalOptions
    method = options.confidence_intervals.method
    # None is what TFMA makes JACKKNIFE of.
    if method not in (methods.UNKNOWN_CONFIDENCE_INTERVAL_METHOD, methods.JACKKNIFE):
        raise InputError(
            "eval_config: confidence intervals come of leaving out whole values of the split key: expected "
            "options.confidence_intervals.method JACKKNIFE. "
            f"Received: {methods.ConfidenceIntervalMethod.Name(method)}, which is not evaluated in vectors"
        )


def _messages(config: config_pb2.EvalConfig) -> Iterator[Any]:
    yield config
    yield from config.model_specs
    yield from config.slicing_specs
    yield config.options
    yield config.options.confidence_intervals
    for spec in config.metrics_specs:
        yield spec
        yield from spec.metrics
