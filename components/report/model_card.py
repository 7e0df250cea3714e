"""The model's card, blessed or not, before it is pushed."""

import json
from pathlib import Path

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.artifact import Artifact
from tfx.types.standard_artifacts import (
    Examples,
    ExampleStatistics,
    HyperParameters,
    Model,
    ModelBlessing,
    ModelEvaluation,
    ModelRun,
    Schema,
)

from components.artifacts import DeviceModels, ModelCard, Verdict
from reports.card.model_card import write_model_card
from reports.runs.run import run_of_artifacts


@component
def ModelCardGen(  # noqa: N802 (a node is named like a class)
    examples: InputArtifact[Examples],
    schema: InputArtifact[Schema],
    model: InputArtifact[Model],
    evaluation: InputArtifact[ModelEvaluation],
    serving: InputArtifact[Verdict],
    device_models: InputArtifact[DeviceModels],
    blessing: InputArtifact[ModelBlessing],
    card: OutputArtifact[ModelCard],
    config: Parameter[str],
    fingerprint: Parameter[str],
    statistics: InputArtifact[ExampleStatistics] = None,
    transformed_examples: InputArtifact[Examples] = None,
    model_run: InputArtifact[ModelRun] = None,
    hyperparameters: InputArtifact[HyperParameters] = None,
    fine_tuning_run: InputArtifact[ModelRun] = None,
) -> None:
    """Writes `model_card.html` and `model_card.md`.

    Args:
        examples: their listing of spans is read, and no row.
        schema: what the features are.
        model: its signatures are told.
        evaluation: of the model.
        serving: ServingValidator's verdict.
        device_models: variants with their verdicts.
        blessing: ReleaseGate's verdict, with reasons.
        card: where both files go.
        config: see pipeline.stages.cache_scope.card_scope.
        fingerprint: of the sources and templates.
        statistics: by span; the rows that were counted are read, as of those below.
        transformed_examples: what the model learnt from.
        model_run: logs of training; where they are, curves and the kept epoch are in the card.
        hyperparameters: what a tuner found, if one ran.
        fine_tuning_run: logs of fine-tuning, if a recipe asks for it; the rows that were counted are read.
    """
    given = {
        "ExampleGen.examples": examples,
        "ImportSchemaGen.schema": schema,
        "Trainer.model": model,
        "StatisticsGen.statistics": statistics,
        "Transform.transformed_examples": transformed_examples,
        "Trainer.model_run": model_run,
        "FineTuner.model_run": fine_tuning_run,
        "Evaluator.evaluation": evaluation,
        "ServingValidator.verdict": serving,
        "DeviceModels.device_models": device_models,
        "ReleaseGate.blessing": blessing,
        "Tuner.best_hyperparameters": hyperparameters,
    }
    write_model_card(run_of_artifacts(folders(given), json.loads(config)), Path(card.uri))


def folders(given: dict[str, Artifact | None]) -> dict[str, Path]:
    """Folders of the artifacts that were given, by `<node>.<output>`."""
    return {name: Path(artifact.uri) for name, artifact in given.items() if artifact is not None}
