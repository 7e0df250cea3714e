"""The report of a run, where an orchestrator of its own runs the nodes and nobody is there to write it afterwards."""

import json
from pathlib import Path

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import (
    ExampleAnomalies,
    Examples,
    ExampleStatistics,
    HyperParameters,
    ModelBlessing,
    ModelEvaluation,
    ModelRun,
    Schema,
)

from components.artifacts import DeviceModels, RunReport, Verdict
from components.report.model_card import folders
from reports.page.report import write_report
from reports.runs.run import run_of_artifacts


@component
def RunReportGen(  # noqa: N802 (a node is named like a class)
    examples: InputArtifact[Examples],
    schema: InputArtifact[Schema],
    anomalies: InputArtifact[ExampleAnomalies],
    statistics: InputArtifact[ExampleStatistics],
    split_statistics: InputArtifact[ExampleStatistics],
    evaluation: InputArtifact[ModelEvaluation],
    serving: InputArtifact[Verdict],
    device_models: InputArtifact[DeviceModels],
    blessing: InputArtifact[ModelBlessing],
    report: OutputArtifact[RunReport],
    config: Parameter[str],
    fingerprint: Parameter[str],
    transformed_examples: InputArtifact[Examples] = None,
    model_run: InputArtifact[ModelRun] = None,
    hyperparameters: InputArtifact[HyperParameters] = None,
    fine_tuning_run: InputArtifact[ModelRun] = None,
) -> None:
    """Writes `report.html` and `report.json` of what the artifacts say; times and statuses of nodes are not in it.

    Args:
        examples: their listing of spans is read, and no row.
        schema: what drift is measured by.
        anomalies: what did not fit the schema.
        statistics: by span.
        split_statistics: by split.
        evaluation: of the model.
        serving: ServingValidator's verdict.
        device_models: variants with their verdicts.
        blessing: ReleaseGate's verdict, with reasons.
        report: where both files go.
        config: what config.json says of a local run, but for the command.
        fingerprint: of the sources and templates.
        transformed_examples: the rows that were counted are read.
        model_run: logs of training.
        hyperparameters: what a tuner found, if one ran.
        fine_tuning_run: logs of fine-tuning, if a recipe asks for it; the rows that were counted are read.
    """
    given = {
        "ExampleGen.examples": examples,
        "ImportSchemaGen.schema": schema,
        "ExampleValidator.anomalies": anomalies,
        "StatisticsGen.statistics": statistics,
        "StatisticsGen.split_statistics": split_statistics,
        "Transform.transformed_examples": transformed_examples,
        "Trainer.model_run": model_run,
        "FineTuner.model_run": fine_tuning_run,
        "Evaluator.evaluation": evaluation,
        "ServingValidator.verdict": serving,
        "DeviceModels.device_models": device_models,
        "ReleaseGate.blessing": blessing,
        "Tuner.best_hyperparameters": hyperparameters,
    }
    folder = Path(report.uri)
    folder.mkdir(parents=True, exist_ok=True)
    write_report(run_of_artifacts(folders(given), json.loads(config)), folder)
