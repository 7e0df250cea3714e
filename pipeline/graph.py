"""The graph: raw spans to a released model, in four stages."""

from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline

from pipeline.beam import graph_arguments
from pipeline.config import Config
from pipeline.stages import data, evaluation, model, release


def create_pipeline(config: Config) -> Pipeline:
    """The pipeline of `config`, the same for every runner."""
    rows = data.stage(config)
    trained = model.stage(config, rows)
    judged = evaluation.stage(config, rows, trained)
    released = release.stage(config, rows, trained, judged)
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=str(config.output / "artifacts"),
        components=[*rows.nodes, *trained.nodes, *judged.nodes, *released.nodes],
        enable_cache=config.enable_cache,
        metadata_connection_config=sqlite_metadata_connection_config(str(config.output / "metadata.sqlite")),
        beam_pipeline_args=graph_arguments(config.environment.beam),
    )
