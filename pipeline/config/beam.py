"""Which engine does the work of the Beam pipelines, and how: the record behind the environment's `beam` section."""

from typing import Self

from pydantic import Field, model_validator

from schema.closed import Closed

# Runners whose engine is a Java program, reached through one of Beam's job servers.
JAVA_RUNNERS = ("flink", "spark")

_ADDRESS = r"^([^\s/:]+:[0-9]+)?$"


class Dataflow(Closed):
    """Where Dataflow runs."""

    project: str = Field(default="", description="Google Cloud project")
    region: str = Field(default="", description="Google Cloud region, such as europe-west1")
    temp_location: str = Field(
        default="", pattern="^(gs://.+)?$", description="gs:// folder for what lies between stages"
    )
    image: str = Field(default="", description="image of the workers, with this project in it")
    machine_type: str = Field(default="", description="machine of a worker; empty: Dataflow's choice")


class Beam(Closed):
    """Which Beam runner the data nodes use."""

    runner: str = Field(
        default="direct",
        pattern="^(direct|flink|spark|dataflow)$",
        description="direct: in this process; flink, spark: an engine on this machine or a cluster; dataflow",
    )
    running_mode: str | None = Field(
        default=None,
        pattern="^(in_memory|multi_threading|multi_processing)$",
        description="direct: one worker in this process, threads of it, or processes; null: by data and cores",
    )
    workers: int | None = Field(
        default=None,
        ge=1,
        description="workers of a Beam pipeline (Dataflow: at most); null: by data, cores and cluster",
    )
    job_server: str = Field(
        default="",
        description="flink, spark: its jar, a folder of jars, or host:port of one that runs; empty: that of make flink "
        "or make spark",
    )
    master: str = Field(
        default="",
        description="flink: host:port of the cluster's REST interface; spark: spark://host:port; empty: an engine in "
        "the job server",
    )
    worker_pool: str = Field(
        default="",
        pattern=_ADDRESS,
        description="host:port of python -m pipeline beam-worker, which each machine of a cluster runs",
    )
    dataflow: Dataflow = Dataflow()

    @property
    def is_java(self) -> bool:
        """Whether the engine is reached through a job server."""
        return self.runner in JAVA_RUNNERS

    @model_validator(mode="after")
    def _in_memory_is_one(self) -> Self:
        if self.running_mode == "in_memory" and (self.workers or 1) > 1:
            raise ValueError(
                f"running_mode: in_memory is one worker. Received: workers {self.workers}. Drop one of the two, or "
                "choose multi_threading or multi_processing"
            )
        return self

    @model_validator(mode="after")
    def _keys_go_with_the_runner(self) -> Self:
        keys = {"job_server": self.is_java, "master": self.is_java, "worker_pool": self.is_java}
        keys |= {"running_mode": self.runner == "direct"}
        for key, fits in keys.items():
            if getattr(self, key) and not fits:
                raise ValueError(f"{key}: does not go with runner {self.runner}. Received: '{getattr(self, key)}'")
        return self

    @model_validator(mode="after")
    def _a_cluster_has_workers(self) -> Self:
        if self.is_java and self.is_cluster and not self.worker_pool:
            raise ValueError(
                "worker_pool: a cluster needs the address at which each of its machines starts Python workers, such as "
                "localhost:50000. Start them there with: python -m pipeline beam-worker --port 50000"
            )
        if self.worker_pool and not self.is_cluster:
            raise ValueError(
                "worker_pool: goes with a cluster, which master or the address of its job_server names. The engine "
                f"inside the job server has its workers in this process. Received: '{self.worker_pool}'"
            )
        return self

    @property
    def is_cluster(self) -> bool:
        """Whether the engine is one that runs already, here or elsewhere."""
        return bool(self.master or self.job_server_address)

    @property
    def job_server_address(self) -> str | None:
        """host:port of the job server, if it is one that runs."""
        host, colon, port = self.job_server.rpartition(":")
        return self.job_server if colon and port.isdecimal() and host and "/" not in host else None

    @model_validator(mode="after")
    def _dataflow_is_told_where(self) -> Self:
        if self.runner == "dataflow":
            needed = ("project", "region", "temp_location", "image")
            absent = [f"dataflow.{key}" for key in needed if not getattr(self.dataflow, key)]
            if absent:
                raise ValueError(f"runner: dataflow needs {', '.join(absent)}")
        return self
