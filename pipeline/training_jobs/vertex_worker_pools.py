"""A Trainer's work on several machines of Vertex AI: a custom job with worker pools, which TFX's own Trainer starts.

Vertex AI sets TF_CONFIG in each pool's containers: the first pool is the chief, the second has the workers. Each of
them runs TFX's executor on the same arguments, and sees the bucket below /gcs.
"""

from typing import Any

from tfx.extensions.google_cloud_ai_platform.constants import ENABLE_VERTEX_KEY, VERTEX_REGION_KEY
from tfx.extensions.google_cloud_ai_platform.trainer.component import Trainer
from tfx.extensions.google_cloud_ai_platform.trainer.executor import TRAINING_ARGS_KEY

from pipeline.config.environment import Kubeflow
from pipeline.config.pipeline_config import Config

__all__ = ["Trainer", "custom_config"]


def custom_config(config: Config, node: str) -> dict[str, Any]:
    """What TFX's Trainer for Vertex AI reads: project, region, and the custom job.

    Source: cloud.google.com/vertex-ai/docs/reference/rest/v1/CustomJobSpec.
    """
    containers, workers = config.containers, config.environment.training.workers
    pools = [_pool(config, node, 1), _pool(config, node, workers - 1)]
    return {
        ENABLE_VERTEX_KEY: True,
        VERTEX_REGION_KEY: containers.location,
        TRAINING_ARGS_KEY: {"project": containers.project, "job_spec": {"worker_pool_specs": pools}},
    }


def _pool(config: Config, node: str, machines: int) -> dict[str, Any]:
    return {
        "machine_spec": _machine(config.environment.kubeflow, node),
        "replica_count": machines,
        # TFX puts the command in.
        "container_spec": {"image_uri": config.containers.image},
    }


def _machine(kubeflow: Kubeflow, node: str) -> dict[str, Any]:
    wanted = kubeflow.resources_of(node)
    gpus = {"accelerator_type": wanted.gpu_type, "accelerator_count": wanted.gpus} if wanted.gpus else {}
    return {"machine_type": kubeflow.machine_type, **gpus}
