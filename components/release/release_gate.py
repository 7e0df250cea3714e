"""All verdicts into one blessing, with reasons."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorflow_model_analysis.proto import validation_result_pb2
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import Model, ModelBlessing, ModelEvaluation

from components.artifacts import DeviceModels, Verdict
from components.evaluation.evaluation_counts import rows_without
from components.release.report_agreement import disagreements
from components.training.blessings import BLESSED, CURRENT_MODEL, CURRENT_MODEL_ID
from reports.artifacts.evaluation import CANDIDATE, OVERALL, load_slices, overall_metrics, slice_name, slice_rows
from schema.metrics import why_undefined
from schema.rounding import metric_form, metric_text, rounded


@component
def ReleaseGate(  # noqa: N802 (a node is named like a class)
    model: InputArtifact[Model],
    evaluation: InputArtifact[ModelEvaluation],
    serving: InputArtifact[Verdict],
    device_models: InputArtifact[DeviceModels],
    blessing: OutputArtifact[ModelBlessing],
    min_accepted: Parameter[int],
    min_slice_rows: Parameter[int],
    fingerprint: Parameter[str],
) -> None:
    """Writes `verdict.json` and marks the blessing as Evaluator marks its own, so that resolvers understand it."""
    judged = Path(evaluation.uri)
    reasons = evaluation_reasons(read_validation(judged), slice_rows(judged), min_slice_rows)
    reasons += [f"serving: {reason}" for reason in _read(Path(serving.uri) / "verdict.json")["reasons"]]
    variants = _read(Path(device_models.uri) / "variants.json")
    reasons += device_reasons(variants, min_accepted)
    reasons += disagreements(load_slices(judged), rows_without(judged), variants)
    blessed = not reasons
    folder = Path(blessing.uri)
    folder.mkdir(parents=True, exist_ok=True)
    report = {"blessed": blessed, "reasons": reasons, "metrics": metrics_of_release(judged)}
    (folder / "verdict.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    (folder / ("BLESSED" if blessed else "NOT_BLESSED")).touch()
    blessing.set_int_custom_property(BLESSED, int(blessed))
    blessing.set_string_custom_property(CURRENT_MODEL, model.uri)
    blessing.set_int_custom_property(CURRENT_MODEL_ID, model.id)


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def metrics_of_release(evaluation: Path) -> dict[str, float | None]:
    """The candidate's metrics on the whole test split, for the release's manifest; None for what is no number."""
    metrics = overall_metrics(evaluation)[CANDIDATE]
    return {name: None if math.isnan(value) else value for name, value in metrics.items()}


def read_validation(evaluation: Path) -> validation_result_pb2.ValidationResult:
    """TFMA's verdict in a ModelEvaluation artifact."""
    from tensorflow_model_analysis import load_validation_result

    return load_validation_result(str(evaluation))


def evaluation_reasons(
    result: validation_result_pb2.ValidationResult, rows: Mapping[str, int], min_slice_rows: int
) -> list[str]:
    """One sentence for each metric that missed a bound; a slice of fewer rows than `min_slice_rows` is not judged.

    Args:
        result: TFMA's verdict.
        rows: rows of each slice, by its name.
        min_slice_rows: see problem.yaml's evaluation.min_slice_rows.
    """
    reasons = [] if rows.get(OVERALL) else [f"{OVERALL}: no row was evaluated"]
    # TFMA has the slices in the order in which Beam's workers came to them.
    found = {slice_name(by_slice.slice_key): by_slice.failures for by_slice in result.metric_validations_per_slice}
    for name in sorted(found, key=lambda name: (name != OVERALL, name)):
        if name == OVERALL or rows.get(name, 0) >= min_slice_rows:
            reasons += [f"{name}: {failure_sentence(failure, rows.get(name, 0))}" for failure in found[name]]
    absent = [", ".join(spec.feature_keys) or OVERALL for spec in result.missing_slices]
    return reasons + [f"{name}: no row to judge" for name in absent]


def failure_sentence(failure: validation_result_pb2.ValidationFailure, rows: int) -> str:
    """Which metric missed which bound by how much, or why it has no value on the slice's rows."""
    name, threshold = failure.metric_key.name, failure.metric_threshold
    if failure.message:
        return f"{name}: {' '.join(failure.message.split())}"
    value = failure.metric_value.double_value.value
    if math.isnan(value):
        what = f"{name}'s change against the baseline" if threshold.HasField("change_threshold") else name
        return f"{what} is undefined: {why_undefined(name, rows)}"
    if threshold.HasField("change_threshold"):
        allowed = threshold.change_threshold.absolute.value
        form = metric_form(max(abs(value), abs(allowed)), "+")
        found, worst = rounded(value, form), rounded(allowed, form)
        return f"{name} changed by {found} against the baseline; at worst {worst} allowed"
    bound = threshold.value_threshold
    if bound.HasField("lower_bound"):
        floor = bound.lower_bound.value
        return f"{name} {metric_text(value)} is {_gap(floor - value)} below its floor {floor:g}"
    ceiling = bound.upper_bound.value
    return f"{name} {metric_text(value)} is {_gap(value - ceiling)} above its ceiling {ceiling:g}"


def _gap(size: float) -> str:
    """Four places, or the first digit of what four places would call zero."""
    return f"{size:.4f}" if size >= 0.00005 else f"{size:.0e}"


def device_reasons(variants: list[dict[str, Any]], min_accepted: int) -> list[str]:
    """A sentence if fewer variants passed than a release needs; a single rejected variant is no reason."""
    accepted = [variant["name"] for variant in variants if variant["accepted"]]
    if len(accepted) >= min_accepted:
        return []
    why = "; ".join(f"{v['name']}: {', '.join(_causes(v))}" for v in variants if not v["accepted"])
    return [f"device: {len(accepted)} of {len(variants)} variants accepted, {min_accepted} needed. {why}".rstrip()]


def _causes(variant: dict[str, Any]) -> list[str]:
    return [*variant["reasons"], *([variant["cause"]] if variant.get("cause") else [])]
