"""Pusher that is atomic and versioned: server and device forms and a manifest appear together or not at all."""

import json
from pathlib import Path

from tfx import v1 as tfx
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.types.standard_artifacts import Model, ModelBlessing, PushedModel

from components.artifacts import DeviceModels
from components.release_store import Release, publish
from schema import signatures


@tfx.dsl.components.component
def ReleasePusher(  # noqa: N802 (a node is named like a class)
    model: InputArtifact[Model],
    blessing: InputArtifact[ModelBlessing],
    device_models: InputArtifact[DeviceModels],
    pushed_model: OutputArtifact[PushedModel],
    destination: Parameter[str],
    keep: Parameter[int],
    lineage: Parameter[str],
    fingerprint: Parameter[str],
) -> None:
    """Pushes a blessed model; raises ValueError for one that is not blessed, which the graph never sends here."""
    if not blessing.get_int_custom_property("blessed"):
        raise ValueError(f"model {model.uri} is not blessed and may not be pushed")
    variants = json.loads((Path(device_models.uri) / "variants.json").read_text(encoding="utf-8"))
    release = Release(
        server=Path(model.uri) / signatures.SERVING_FORM,
        device_files=[Path(device_models.uri) / f"{v['name']}.tflite" for v in variants if v["accepted"]],
        manifest={"lineage": json.loads(lineage), "variants": variants, "model": model.uri},
    )
    version = publish(release, Path(destination), keep)
    pushed_model.set_string_custom_property("pushed_version", str(version))
    pushed_model.set_string_custom_property("pushed_destination", str(Path(destination) / str(version)))
    Path(pushed_model.uri).mkdir(parents=True, exist_ok=True)
    pushed = {"version": str(version), "path": str(Path(destination) / str(version))}
    (Path(pushed_model.uri) / "pushed.json").write_text(json.dumps(pushed), encoding="utf-8")
