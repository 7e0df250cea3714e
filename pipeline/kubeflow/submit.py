"""Runs a compiled pipeline, by the client of the target. The only module that needs a cluster or credentials."""

from pathlib import Path

from pipeline.config.pipeline_config import Config


def submit_oss(config: Config, file: Path, host: str | None) -> str:
    """Runs the file on open-source Kubeflow Pipelines; returns the run's id.

    Args:
        config: what was compiled.
        file: the compiled pipeline.
        host: address of the API; as kfp's client finds it when None.
    """
    import kfp

    client = kfp.Client(host=host)
    # The root must be given here: a run does not take the spec's own.
    run = client.create_run_from_pipeline_package(
        str(file), arguments={}, pipeline_root=config.root, experiment_name=config.name
    )
    return str(run.run_id)


def submit_vertex(config: Config, file: Path, project: str | None, location: str | None) -> str:
    """Runs the file on Vertex AI Pipelines; returns the job's resource name."""
    from google.cloud import aiplatform

    aiplatform.init(project=project, location=location)
    job = aiplatform.PipelineJob(display_name=config.name, template_path=str(file), pipeline_root=config.root)
    job.submit()
    return str(job.resource_name)
