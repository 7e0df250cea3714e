"""A trained model to verdicts on it."""

from dataclasses import dataclass
from typing import Any

from components.evaluation.eval_config import eval_config
from components.evaluation.evaluator import ColumnEvaluator
from components.evaluation.serving_validator import ServingValidator
from pipeline.config.pipeline_config import Config
from pipeline.stages.baseline import earlier_model
from pipeline.stages.cache_scope import model_scope
from pipeline.stages.data import DataStage
from pipeline.stages.model import ModelStage
from pipeline.stages.source_fingerprint import source_fingerprint


@dataclass(frozen=True)
class EvaluationStage:
    """Channels of the evaluation stage."""

    evaluator: Any
    serving: Any
    nodes: list[Any]


def stage(config: Config, rows: DataStage, trained: ModelStage) -> EvaluationStage:
    """Baseline, Evaluator, ServingValidator."""
    baseline = earlier_model(config, candidate=trained.model).with_id("Baseline")
    evaluator = ColumnEvaluator(
        examples=rows.examples,
        model=trained.model,
        baseline_model=baseline.outputs["model"],
        example_splits=["test"],
        eval_config=eval_config(config.problem),
        schema=rows.schema,
        fingerprint=source_fingerprint("components.evaluation.evaluator"),
        split_key=config.problem.split.key,
    ).with_id("Evaluator")
    serving = ServingValidator(
        model=trained.model,
        examples=rows.examples,
        schema=rows.schema,
        bound=model_scope(config.bound),
        fingerprint=source_fingerprint("components.evaluation.serving_validator"),
    ).with_id("ServingValidator")
    return EvaluationStage(
        evaluator=evaluator, serving=serving.outputs["verdict"], nodes=[baseline, evaluator, serving]
    )
