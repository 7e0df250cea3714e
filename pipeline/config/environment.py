"""Where a pipeline runs, and how: the records behind pipeline/environments/*.yaml."""

from typing import Self

from pydantic import Field, model_validator

from models.training.training_options import Training
from pipeline.config.beam import Beam
from pipeline.config.metadata import MetadataStore
from schema.closed import Closed

# An amount of memory as Kubernetes writes it.
_QUANTITY = r"^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$"


class Local(Closed):
    """How the local runner goes through the graph."""

    parallel_nodes: int | None = Field(
        default=None, ge=1, description="nodes that run at the same time; null: two where there are two cores"
    )


class Tuning(Closed):
    """The search for network settings before training."""

    enabled: bool = Field(default=False, description="search before training")
    trials: int = Field(default=6, ge=1, description="settings to try")
    epochs: int | None = Field(
        default=None, ge=1, description="epochs per trial; null follows the rows: 2, or more for 128 steps"
    )


class Release(Closed):
    """Where released versions go."""

    keep: int = Field(default=5, ge=1, description="newest versions that are kept")


class Resources(Closed):
    """What a node's container may use; null and 0 leave it to the cluster."""

    cpu: float | None = Field(default=None, gt=0, description="cores")
    memory: str | None = Field(default=None, pattern=_QUANTITY, description="memory, such as 8Gi")
    gpus: int = Field(default=0, ge=0, description="accelerators")
    gpu_type: str = Field(
        default="nvidia.com/gpu",
        description="Kubernetes' name of the accelerator, or Vertex AI's, such as NVIDIA_TESLA_T4",
    )


class Volume(Closed):
    """A persistent volume that every node mounts."""

    claim: str = Field(pattern="^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", description="name of the PersistentVolumeClaim")
    path: str = Field(pattern="^/.+$", description="where nodes see it")


class Kubeflow(Closed):
    """How the graph runs on Kubeflow Pipelines."""

    storage: str = Field(
        default="",
        pattern="^(/.*)?$",
        description="folder in which nodes find data and leave releases; empty: /gcs/... of the pipeline root",
    )
    volumes: tuple[Volume, ...] = Field(default=(), description="persistent volumes (open source only)")
    caching: bool = Field(default=True, description="reuse the results of nodes whose inputs are the same")
    retries: int = Field(default=0, ge=0, description="times that a failed node is tried again")
    retry_seconds: int = Field(default=60, ge=1, description="seconds before the first further try; then twice as long")
    machine_type: str = Field(default="n1-standard-8", description="machine of each of training.workers (Vertex AI)")
    resources: Resources = Field(default=Resources(), description="of each node")
    nodes: dict[str, Resources] = Field(default={}, description="of single nodes, by name, in place of those")

    def resources_of(self, node: str) -> Resources:
        """What a node may use."""
        return self.nodes.get(node, self.resources)


class Environment(Closed):
    """Where and how a pipeline runs."""

    name: str = Field(description="the environment's name")
    orchestrator: str = Field(
        default="local",
        pattern="^(local|kubeflow|vertex)$",
        description="local: run_local.py; others: run_kubeflow.py",
    )
    beam: Beam = Beam()
    local: Local = Local()
    metadata: MetadataStore = MetadataStore()
    kubeflow: Kubeflow = Kubeflow()
    training: Training = Training()
    tuning: Tuning = Tuning()
    release: Release = Release()

    @model_validator(mode="after")
    def _workers_fit(self) -> Self:
        if self.is_local and self.training.workers:
            raise ValueError(
                "training.workers are pods or machines, which run_kubeflow.py has Kubeflow or Vertex AI start. "
                f"On this machine: training.local_workers={self.training.workers}, or several machines by TF_CONFIG"
            )
        if self.tuning.enabled and self.training.strategy == "multi_worker_mirrored":
            raise ValueError(
                "tuning.enabled: the search runs in one process. Tune with another training.strategy first, and write "
                "what it found into problem.yaml. Received: training.strategy multi_worker_mirrored"
            )
        return self

    @property
    def is_local(self) -> bool:
        """Whether run_local.py runs it."""
        return self.orchestrator == "local"
