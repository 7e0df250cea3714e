"""The graph: raw spans to a released model, in four stages."""

from ml_metadata.proto.metadata_store_pb2 import ConnectionConfig
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
        pipeline_name=config.name if config.environment.is_local else kubeflow_name(config.name),
        pipeline_root=config.root,
        components=[*rows.nodes, *trained.nodes, *judged.nodes, *released.nodes],
        enable_cache=config.enable_cache and (config.environment.is_local or config.environment.kubeflow.caching),
        # Kubeflow keeps the metadata itself.
        metadata_connection_config=_metadata(config) if config.environment.is_local else None,
        beam_pipeline_args=graph_arguments(config.environment),
    )


def _metadata(config: Config) -> ConnectionConfig:
    return sqlite_metadata_connection_config(str(config.output / "metadata.sqlite"))


def kubeflow_name(name: str) -> str:
    """The name as Kubeflow takes it: no underscores."""
    return name.replace("_", "-")
