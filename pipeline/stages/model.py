"""Transformed examples to a trained model."""

from dataclasses import dataclass
from typing import Any

from tfx.components import Trainer
from tfx.proto.trainer_pb2 import EvalArgs, TrainArgs

from components.tuner import LoggedTuner
from pipeline.config import Config
from pipeline.fingerprint import source_fingerprint
from pipeline.stages.baseline import earlier_model
from pipeline.stages.data import DataStage
from pipeline.stages.scope import model_scope


@dataclass(frozen=True)
class ModelStage:
    """Channels of the model stage; `records` are what tells of the training, by the name of a node's input."""

    model: Any
    records: dict[str, Any]
    nodes: list[Any]


def stage(config: Config, rows: DataStage) -> ModelStage:
    """Tuner (when enabled), WarmStart (when enabled) and Trainer."""
    tuning, training = config.environment.tuning, config.environment.training
    nodes = []
    inputs = _inputs(rows)
    if tuning.enabled:
        nodes.append(_tuner(config, inputs))
        inputs["hyperparameters"] = nodes[-1].outputs["best_hyperparameters"]
    if training.warm_start:
        nodes.append(earlier_model(config).with_id("WarmStart"))
        inputs["base_model"] = nodes[-1].outputs["model"]
    trainer = _trainer(config, inputs)
    records = {"model_run": trainer.outputs["model_run"]}
    if tuning.enabled:
        records["hyperparameters"] = inputs["hyperparameters"]
    return ModelStage(model=trainer.outputs["model"], records=records, nodes=[*nodes, trainer])


def _trainer(config: Config, inputs: dict[str, Any]) -> Any:
    """The Trainer: in the node's own process, or where several machines train together, in those."""
    custom = {
        **_shared(config),
        "checkpoints": str(config.cache / "checkpoints"),
        "fingerprint": source_fingerprint("models.trainer"),
    }
    kind, run_fn = Trainer, "models.trainer.run_fn"
    if config.environment.training.workers:
        # Only here: they need the clients of clouds, which a local run does without.
        from pipeline.kubeflow import pods, worker_pools

        if config.environment.orchestrator == "vertex":
            kind, custom = worker_pools.Trainer, {**custom, **worker_pools.custom_config(config)}
        else:
            run_fn, custom = "pipeline.kubeflow.pods.run_fn", {**custom, **pods.custom_config(config)}
    return kind(run_fn=run_fn, custom_config=custom, **inputs).with_id("Trainer")


def _tuner(config: Config, inputs: dict[str, Any]) -> Any:
    tuning = config.environment.tuning
    custom = {
        **_shared(config),
        # A trial is not profiled, nor searched anew when training is.
        "training": config.environment.training.identity().model_dump_json(),
        "trials": tuning.trials,
        "epochs": tuning.epochs,
        # It imports models.tuner.
        "fingerprint": source_fingerprint("components.tuner"),
    }
    return LoggedTuner(tuner_fn="models.tuner.tuner_fn", custom_config=custom, **inputs).with_id("Tuner")


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
