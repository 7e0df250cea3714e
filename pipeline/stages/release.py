"""Verdicts to a released version, in server and device form."""

import json
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import tensorflow as tf
from tfx.dsl.experimental.conditionals.conditional import Cond

from components.device.device_models import DeviceModelsGen
from components.release.release_gate import ReleaseGate
from components.release.release_pusher import ReleasePusher
from components.report.model_card import ModelCardGen
from edge.convert import library_versions
from pipeline.config.pipeline_config import Config
from pipeline.stages.cache_scope import bundle_scope, card_scope, device_scope
from pipeline.stages.data import DataStage
from pipeline.stages.evaluation import EvaluationStage
from pipeline.stages.model import ModelStage
from pipeline.stages.source_fingerprint import files_fingerprint, source_fingerprint


@dataclass(frozen=True)
class ReleaseStage:
    """Channels of the release stage; `verdicts` are what a report is made of, by the name of a node's input."""

    verdicts: dict[str, Any]
    nodes: list[Any]


def stage(config: Config, rows: DataStage, trained: ModelStage, judged: EvaluationStage) -> ReleaseStage:
    """DeviceModels, ReleaseGate, ModelCard and, for a blessed model, Pusher."""
    fine_tuned = {} if trained.fine_tuned is None else {"fine_tuned": trained.fine_tuned}
    device = DeviceModelsGen(
        model=trained.model,
        examples=rows.examples,
        schema=rows.schema,
        transform_graph=rows.transform.outputs["transform_graph"],
        bound=device_scope(config.bound),
        cache=str(config.cache / "variants"),
        fingerprint=source_fingerprint("components.device.device_models") + library_versions.digest(),
        **fine_tuned,
    ).with_id("DeviceModels")
    gate = ReleaseGate(
        model=trained.model,
        evaluation=judged.evaluator.outputs["evaluation"],
        serving=judged.serving,
        device_models=device.outputs["device_models"],
        min_accepted=config.problem.device.min_accepted,
        min_slice_rows=config.problem.evaluation.min_slice_rows,
        fingerprint=source_fingerprint("components.release.release_gate"),
    ).with_id("ReleaseGate")
    blessing = gate.outputs["blessing"]
    verdicts = {
        "evaluation": judged.evaluator.outputs["evaluation"],
        "serving": judged.serving,
        "device_models": device.outputs["device_models"],
        "blessing": blessing,
    }
    card = ModelCardGen(
        examples=rows.examples,
        schema=rows.schema,
        model=trained.model,
        statistics=rows.statistics.outputs["statistics"],
        transformed_examples=rows.transform.outputs["transformed_examples"],
        config=json.dumps(card_config(config)),
        fingerprint=source_fingerprint("components.report.model_card") + files_fingerprint("reports/templates"),
        **verdicts,
        **trained.records,
    ).with_id("ModelCard")
    with Cond(blessing.future()[0].custom_property("blessed") == 1):
        pusher = ReleasePusher(
            model=trained.model,
            blessing=blessing,
            device_models=device.outputs["device_models"],
            examples=rows.examples,
            card=card.outputs["card"],
            schema=rows.schema,
            destination=str(config.releases),
            keep=config.environment.release.keep,
            lineage=json.dumps(lineage(config)),
            bound=bundle_scope(config.bound),
            fingerprint=source_fingerprint("components.release.release_pusher"),
        ).with_id("Pusher")
    return ReleaseStage(verdicts=verdicts, nodes=[device, gate, card, pusher])


def card_config(config: Config) -> dict[str, Any]:
    """What a model card shows of the config, in the form of config.json."""
    shown = card_scope(config.problem, config.environment.training)
    return {**shown, "sample_rows": config.sample_rows, "lineage": lineage(config)}


def lineage(config: Config) -> dict[str, Any]:
    """What a release says of its making, beside the data: problem, seed, source and versions."""
    return {
        "problem": config.problem.name,
        "seed": config.environment.training.seed,
        "source": source_fingerprint("models.entrypoints.trainer"),
        "versions": {
            # By its module, since tensorflow-cpu may be installed in its place.
            "tensorflow": tf.__version__,
            **{name: version(name) for name in ("tfx", "tf-keras", "ai-edge-litert")},
        },
    }
