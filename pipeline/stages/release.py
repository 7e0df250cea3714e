"""Verdicts to a released version, in server and device form."""

import json
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import tensorflow as tf
from tfx.dsl.experimental.conditionals.conditional import Cond

from components.device_models import DeviceModelsGen
from components.release_gate import ReleaseGate
from components.release_pusher import ReleasePusher
from pipeline.config import Config
from pipeline.fingerprint import source_fingerprint
from pipeline.stages.data import DataStage
from pipeline.stages.evaluation import EvaluationStage
from pipeline.stages.model import ModelStage
from pipeline.stages.scope import device_scope


@dataclass(frozen=True)
class ReleaseStage:
    """Channels of the release stage."""

    nodes: list[Any]


def stage(config: Config, rows: DataStage, trained: ModelStage, judged: EvaluationStage) -> ReleaseStage:
    """DeviceModels, ReleaseGate and, for a blessed model, Pusher."""
    device = DeviceModelsGen(
        model=trained.model,
        examples=rows.examples,
        schema=rows.schema,
        bound=device_scope(config.bound),
        fingerprint=source_fingerprint("components.device_models"),
    ).with_id("DeviceModels")
    gate = ReleaseGate(
        model=trained.model,
        evaluation=judged.evaluator.outputs["evaluation"],
        serving=judged.serving,
        device_models=device.outputs["device_models"],
        min_accepted=config.problem.device.min_accepted,
        min_slice_rows=config.problem.evaluation.min_slice_rows,
        fingerprint=source_fingerprint("components.release_gate"),
    ).with_id("ReleaseGate")
    blessing = gate.outputs["blessing"]
    with Cond(blessing.future()[0].custom_property("blessed") == 1):
        pusher = ReleasePusher(
            model=trained.model,
            blessing=blessing,
            device_models=device.outputs["device_models"],
            examples=rows.examples,
            destination=str(config.releases),
            keep=config.environment.release.keep,
            lineage=json.dumps(lineage(config)),
            fingerprint=source_fingerprint("components.release_pusher"),
        ).with_id("Pusher")
    return ReleaseStage(nodes=[device, gate, pusher])


def lineage(config: Config) -> dict[str, Any]:
    """What a release says of its making, beside the data: problem, seed, source and versions."""
    return {
        "problem": config.problem.name,
        "seed": config.environment.training.seed,
        "source": source_fingerprint("models.trainer"),
        "versions": {
            # By its module, since tensorflow-cpu may be installed in its place.
            "tensorflow": tf.__version__,
            **{name: version(name) for name in ("tfx", "tf-keras", "ai-edge-litert")},
        },
    }
