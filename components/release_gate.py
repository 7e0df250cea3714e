"""All verdicts into one blessing, with reasons."""

import json
import math
from pathlib import Path
from typing import Any

from tensorflow_model_analysis.proto import validation_result_pb2
from tfx import v1 as tfx
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.types.standard_artifacts import Model, ModelBlessing, ModelEvaluation

from components.artifacts import DeviceModels, Verdict

BLESSED = "blessed"
CURRENT_MODEL = "current_model"
CURRENT_MODEL_ID = "current_model_id"


@tfx.dsl.components.component
def ReleaseGate(  # noqa: N802 (a node is named like a class)
    model: InputArtifact[Model],
    evaluation: InputArtifact[ModelEvaluation],
    evaluator_blessing: InputArtifact[ModelBlessing],
    serving: InputArtifact[Verdict],
    device_models: InputArtifact[DeviceModels],
    blessing: OutputArtifact[ModelBlessing],
    min_accepted: Parameter[int],
    min_slice_rows: Parameter[int],
    fingerprint: Parameter[str],
) -> None:
    """Writes `verdict.json` and marks the blessing as Evaluator marks its own, so that resolvers understand it."""
    reasons = evaluation_reasons(read_validation(Path(evaluation.uri)), min_slice_rows)
    reasons += [f"serving: {reason}" for reason in _read(Path(serving.uri) / "verdict.json")["reasons"]]
    reasons += device_reasons(_read(Path(device_models.uri) / "variants.json"), min_accepted)
    blessed = not reasons
    folder = Path(blessing.uri)
    folder.mkdir(parents=True, exist_ok=True)
    report = {"blessed": blessed, "reasons": reasons}
    (folder / "verdict.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    (folder / ("BLESSED" if blessed else "NOT_BLESSED")).touch()
    blessing.set_int_custom_property(BLESSED, int(blessed))
    blessing.set_string_custom_property(CURRENT_MODEL, model.uri)
    blessing.set_int_custom_property(CURRENT_MODEL_ID, model.id)


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def read_validation(evaluation: Path) -> validation_result_pb2.ValidationResult:
    """TFMA's verdict in a ModelEvaluation artifact."""
    from tensorflow_model_analysis import load_validation_result

    return load_validation_result(str(evaluation))


def evaluation_reasons(result: validation_result_pb2.ValidationResult, min_slice_rows: int) -> list[str]:
    """One sentence for each metric that missed a bound, on slices of at least `min_slice_rows` rows."""
    reasons = []
    for by_slice in result.metric_validations_per_slice:
        name = slice_name(by_slice.slice_key)
        if name != "overall" and by_slice.example_count < min_slice_rows:
            continue
        reasons += [f"{name}: {failure_sentence(failure)}" for failure in by_slice.failures]
    reasons += [
        f"no row to judge in slice {missing}" for missing in getattr(result, "missing_slices", ()) if str(missing)
    ]
    return reasons


def slice_name(key: Any) -> str:
    """`overall`, or `carrier=UA`, `carrier=UA, origin=EWR`."""
    pairs = []
    for single in key.single_slice_keys:
        kind = single.WhichOneof("kind")
        value = getattr(single, kind) if kind else b""
        pairs.append(f"{single.column}={value.decode() if isinstance(value, bytes) else value}")
    return ", ".join(pairs) or "overall"


def failure_sentence(failure: Any) -> str:
    """Which metric missed which bound by how much."""
    value, name = failure.metric_value.double_value.value, failure.metric_key.name
    threshold = failure.metric_threshold
    kind = threshold.WhichOneof("threshold") if hasattr(threshold, "WhichOneof") else None
    if threshold.HasField("change_threshold"):
        allowed = threshold.change_threshold.absolute.value
        return f"{name} changed by {value:+.4f} against the baseline; at worst {allowed:+.4f} allowed"
    bound = threshold.value_threshold
    if math.isnan(value):
        return f"{name} is not a number"
    if bound.HasField("lower_bound") and value < bound.lower_bound.value:
        return (
            f"{name} {value:.4f} is {bound.lower_bound.value - value:.4f} below its floor {bound.lower_bound.value:g}"
        )
    if bound.HasField("upper_bound") and value > bound.upper_bound.value:
        return (
            f"{name} {value:.4f} is {value - bound.upper_bound.value:.4f} above its ceiling {bound.upper_bound.value:g}"
        )
    return f"{name} {value:.4f} failed: {failure.message or kind}"


def device_reasons(variants: list[dict[str, Any]], min_accepted: int) -> list[str]:
    """A sentence if fewer variants passed than a release needs; a single rejected variant is no reason."""
    accepted = [variant["name"] for variant in variants if variant["accepted"]]
    if len(accepted) >= min_accepted:
        return []
    why = "; ".join(f"{v['name']}: {', '.join(v['reasons'])}" for v in variants if not v["accepted"])
    return [f"device: {len(accepted)} variants accepted, {min_accepted} needed ({why})"]
