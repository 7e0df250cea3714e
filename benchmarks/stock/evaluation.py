"""The stock Evaluator alone, on a model and examples that another run made."""

from pathlib import Path

from tfx import v1 as tfx
from tfx.types import artifact_utils

from benchmarks.stock.pipeline import BEAM_ARGUMENTS, judged_by
from ingestion.splits import SPLITS
from pipeline.config.pipeline_config import Config


def create_evaluation(config: Config, model: Path, examples: Path) -> tfx.dsl.Pipeline:
    """A pipeline that evaluates `model` (a Model artifact's folder) on the test split of `examples` (an Examples')."""
    artifacts = tfx.types.standard_artifacts
    imported = {
        "model": tfx.dsl.Importer(source_uri=str(model), artifact_type=artifacts.Model).with_id("Model"),
        "examples": tfx.dsl.Importer(
            source_uri=str(examples),
            artifact_type=artifacts.Examples,
            properties={"split_names": artifact_utils.encode_split_names(list(SPLITS))},
        ).with_id("Examples"),
    }
    schema = tfx.components.ImportSchemaGen(schema_file=str(config.schema_file))
    evaluator = tfx.components.Evaluator(
        examples=imported["examples"].outputs["result"],
        model=imported["model"].outputs["result"],
        example_splits=["test"],
        eval_config=judged_by(config),
        schema=schema.outputs["schema"],
    )
    return tfx.dsl.Pipeline(
        pipeline_name=config.name,
        pipeline_root=str(config.output / "artifacts"),
        components=[*imported.values(), schema, evaluator],
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(config.output / "metadata.sqlite")
        ),
        beam_pipeline_args=list(BEAM_ARGUMENTS),
    )
