"""Transformed examples to a trained model, and to what fine-tuning makes of it."""

import json
from dataclasses import dataclass
from typing import Any

from tfx.components import Trainer
from tfx.proto.trainer_pb2 import EvalArgs, TrainArgs

from components.training.tuner import LoggedTuner
from edge.convert import recipes
from models.training.training_options import WarmStart
from pipeline.config.pipeline_config import Config
from pipeline.stages.baseline import earlier_model
from pipeline.stages.cache_scope import fine_tuning_scope, model_scope
from pipeline.stages.data import DataStage
from pipeline.stages.source_fingerprint import source_fingerprint
from schema.techniques import Technique


@dataclass(frozen=True)
class ModelStage:
    """Channels of the model stage.

    model: the trained one.
    fine_tuned: a model with a device form a technique; None where no recipe asks for one.
    records: what tells of the training and of the fine-tuning, by the name of a node's input.
    """

    model: Any
    fine_tuned: Any
    records: dict[str, Any]
    nodes: list[Any]


def stage(config: Config, rows: DataStage) -> ModelStage:
    """Tuner (when enabled), WarmStart (when enabled), Trainer, and FineTuner (when a recipe asks for a technique)."""
    tuning, training = config.environment.tuning, config.environment.training
    nodes = []
    inputs = _inputs(rows)
    if tuning.enabled:
        nodes.append(_tuner(config, inputs))
        inputs["hyperparameters"] = nodes[-1].outputs["best_hyperparameters"]
    if training.warm_start is not WarmStart.OFF:
        nodes.append(earlier_model(config).with_id("WarmStart"))
        inputs["base_model"] = nodes[-1].outputs["model"]
    trainer = _training_node("Trainer", "models.entrypoints.trainer", config, _shared(config), inputs)
    nodes.append(trainer)
    records = {"model_run": trainer.outputs["model_run"]}
    if tuning.enabled:
        records["hyperparameters"] = inputs["hyperparameters"]
    model, fine_tuned = trainer.outputs["model"], None
    if techniques(config):
        nodes.append(_fine_tuner(config, {**inputs, "base_model": model}))
        fine_tuned = nodes[-1].outputs["model"]
        records["fine_tuning_run"] = nodes[-1].outputs["model_run"]
    return ModelStage(model=model, fine_tuned=fine_tuned, records=records, nodes=nodes)


def techniques(config: Config) -> tuple[Technique, ...]:
    """What the listed recipes ask for, each once."""
    asked = {recipes.find(name).technique for name in config.problem.device.variants}
    return tuple(technique for technique in Technique if technique in asked)


def _fine_tuner(config: Config, inputs: dict[str, Any]) -> Any:
    custom = {
        **_shared(config),
        "bound": fine_tuning_scope(config.bound),
        "techniques": json.dumps(techniques(config)),
    }
    return _training_node("FineTuner", "models.entrypoints.fine_tuner", config, custom, inputs)


def _training_node(name: str, module: str, config: Config, own: dict[str, Any], inputs: dict[str, Any]) -> Any:
    """A Trainer of TFX: in the node's own process, or where several machines train together, in those."""
    custom = {
        **own,
        "checkpoints": str(config.cache / "checkpoints"),
        "fingerprint": source_fingerprint(module),
    }
    kind, run_fn = Trainer, f"{module}.run_fn"
    if config.environment.training.workers:
        # Only here: they need the clients of clouds, which a local run does without.
        from pipeline.training_jobs import trainjob_run_fn, vertex_worker_pools

        if config.environment.orchestrator == "vertex":
            kind, custom = vertex_worker_pools.Trainer, {**custom, **vertex_worker_pools.custom_config(config, name)}
        else:
            run_fn, custom = (
                "pipeline.training_jobs.trainjob_run_fn.run_fn",
                {**custom, **trainjob_run_fn.custom_config(config, name)},
            )
    return kind(run_fn=run_fn, custom_config=custom, **inputs).with_id(name)


def _tuner(config: Config, inputs: dict[str, Any]) -> Any:
    tuning = config.environment.tuning
    custom = {
        **_shared(config),
        # A trial is not profiled, nor searched anew when training is.
        "training": config.environment.training.identity().model_dump_json(),
        "trials": tuning.trials,
        "epochs": tuning.epochs,
        # It imports models.entrypoints.tuner.
        "fingerprint": source_fingerprint("components.training.tuner"),
    }
    return LoggedTuner(tuner_fn="models.entrypoints.tuner.tuner_fn", custom_config=custom, **inputs).with_id("Tuner")


def _inputs(rows: DataStage) -> dict[str, Any]:
    return {
        "examples": rows.transform.outputs["transformed_examples"],
        "transform_graph": rows.transform.outputs["transform_graph"],
        "schema": rows.schema,
        "train_args": TrainArgs(splits=["train"]),
        "eval_args": EvalArgs(splits=["eval"]),
    }


def _shared(config: Config) -> dict[str, str]:
    return {"bound": model_scope(config.bound), "training": config.environment.training.model_dump_json()}
