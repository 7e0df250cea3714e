"""Transformed examples to a trained model."""

from dataclasses import dataclass
from typing import Any

from tfx import v1 as tfx

from pipeline.config import Config
from pipeline.fingerprint import source_fingerprint
from pipeline.stages.data import DataStage
from pipeline.stages.scope import model_scope


@dataclass(frozen=True)
class ModelStage:
    """Channels of the model stage."""

    model: Any
    nodes: list[Any]


def stage(config: Config, rows: DataStage) -> ModelStage:
    """Tuner (when enabled) and Trainer."""
    shared = {
        "bound": model_scope(config.bound),
        "training": config.environment.training.model_dump_json(),
        "checkpoints": str(config.cache / "checkpoints"),
    }
    inputs = {
        "examples": rows.transform.outputs["transformed_examples"],
        "transform_graph": rows.transform.outputs["transform_graph"],
        "schema": rows.schema,
        "train_args": tfx.proto.TrainArgs(splits=["train"]),
        "eval_args": tfx.proto.EvalArgs(splits=["eval"]),
    }
    trainer = tfx.components.Trainer(
        run_fn="models.trainer.run_fn",
        custom_config={**shared, "fingerprint": source_fingerprint("models.trainer")},
        **inputs,
    ).with_id("Trainer")
    return ModelStage(model=trainer.outputs["model"], nodes=[trainer])
