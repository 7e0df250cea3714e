"""The graph: raw spans to a released model, in four stages, and a report where nobody else writes one."""

from tfx.orchestration.pipeline import Pipeline

from pipeline.beam.pipeline_options import graph_arguments
from pipeline.config.pipeline_config import Config
from pipeline.metadata.namespace import place
from pipeline.stages import data, evaluation, model, release, report


def create_pipeline(config: Config) -> Pipeline:
    """The pipeline of `config`, the same for every runner."""
    rows = data.stage(config)
    trained = model.stage(config, rows)
    judged = evaluation.stage(config, rows, trained)
    released = release.stage(config, rows, trained, judged)
    reported = [] if config.environment.is_local else report.stage(config, rows, trained, released)
    kept = place(config)
    return Pipeline(
        pipeline_name=kept.name,
        pipeline_root=kept.root,
        components=[*rows.nodes, *trained.nodes, *judged.nodes, *released.nodes, *reported],
        enable_cache=config.enable_cache and (config.environment.is_local or config.environment.kubeflow.caching),
        metadata_connection_config=kept.connection,
        beam_pipeline_args=graph_arguments(config.environment),
    )
