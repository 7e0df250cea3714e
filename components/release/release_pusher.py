"""Pusher that is atomic and versioned: server and device forms and a manifest appear together or not at all."""

import json
from pathlib import Path
from typing import Any

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing, PushedModel, Schema
from tfx.utils import io_utils

from components.artifacts import DeviceModels, ModelCard
from components.data.span_range import data_window
from components.data.span_store import read_spans
from components.release.device_bundle import DeviceBundle
from components.release.release_store import Release, publish
from reports.artifacts.signatures import describe_signatures
from reports.card.card_files import CARD_FILES
from schema import signatures
from schema.bound import BoundProblem
from schema.rows import read_schema


@component
def ReleasePusher(  # noqa: N802 (a node is named like a class)
    model: InputArtifact[Model],
    blessing: InputArtifact[ModelBlessing],
    device_models: InputArtifact[DeviceModels],
    examples: InputArtifact[Examples],
    card: InputArtifact[ModelCard],
    schema: InputArtifact[Schema],
    pushed_model: OutputArtifact[PushedModel],
    destination: Parameter[str],
    keep: Parameter[int],
    lineage: Parameter[str],
    bound: Parameter[str],
    fingerprint: Parameter[str],
) -> None:
    """Pushes a blessed model with its device bundle, its manifest and its card.

    `bound` is the problem as JSON, with the texts that a bundle shows of it.

    Raises:
        ValueError: for one that is not blessed, which the graph never sends here.
    """
    if not blessing.get_int_custom_property("blessed"):
        raise ValueError(f"model {model.uri} is not blessed and may not be pushed")
    variants = json.loads((Path(device_models.uri) / "variants.json").read_text(encoding="utf-8"))
    verdict = json.loads((Path(blessing.uri) / "verdict.json").read_text(encoding="utf-8"))
    server = Path(model.uri) / signatures.SERVING_FORM
    weights = Path(model.uri) / signatures.WEIGHTS
    bundle = DeviceBundle(
        models=Path(device_models.uri),
        accepted=[variant for variant in variants if variant["accepted"]],
        bound=BoundProblem.model_validate_json(bound),
        schema=read_schema(Path(io_utils.get_only_uri_in_dir(schema.uri))),
        data_window=data_window(Path(examples.uri)),
    )
    release = Release(
        server=server,
        lay_device=bundle.lay,
        manifest={
            "lineage": {**json.loads(lineage), **describe_data(Path(examples.uri))},
            "metrics": verdict["metrics"],
            "signatures": describe_signatures(server),
            "variants": variants,
            "model": model.uri,
        },
        weights=weights if weights.is_file() else None,
        cards=[Path(card.uri) / name for name in CARD_FILES],
    )
    version = publish(release, Path(destination), keep)
    pushed_model.set_string_custom_property("pushed_version", str(version))
    pushed_model.set_string_custom_property("pushed_destination", str(Path(destination) / str(version)))
    Path(pushed_model.uri).mkdir(parents=True, exist_ok=True)
    pushed = {"version": str(version), "path": str(Path(destination) / str(version))}
    (Path(pushed_model.uri) / "pushed.json").write_text(json.dumps(pushed), encoding="utf-8")


def describe_data(examples: Path) -> dict[str, Any]:
    """The data that the model learnt and was judged on, as the artifact has it, whatever the run's flags said.

    `window` is first:last; of each span there is its number, a name that stands for its content, and rows a split.
    """
    spans = sorted(read_spans(examples), key=lambda span: span.span)
    described = [{"span": span.span, "content": Path(span.folder).name, "rows": span.rows} for span in spans]
    return {"window": f"{spans[0].span}:{spans[-1].span}", "spans": described}
