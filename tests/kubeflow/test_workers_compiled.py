"""The Trainer where several machines train together, as compiled for each target. Nothing here was run on Vertex AI."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.cloud.aiplatform_v1.types import custom_job
from google.protobuf import json_format

import run_kubeflow
from pipeline.training_jobs.trainjob_run_fn import Pods
from tests.kubeflow.conftest import IMAGE, PIPELINE_ROOT
from tests.kubeflow.launcher import checked

SETS = ["--set", "training.strategy=multi_worker_mirrored", "--set"]
VERTEX = [
    "--target",
    "vertex",
    "--pipeline-root",
    "gs://bucket/root",
    "--project",
    "mine",
    "--location",
    "europe-west4",
]


def compiled(tmp_path: Path, *flags: str) -> dict[str, Any]:
    """The spec."""
    file = tmp_path / "pipeline.yaml"
    own = ["--image", IMAGE, "--pipeline-root", PIPELINE_ROOT, "--output", str(file)]
    assert run_kubeflow.main([*own, *flags]) == 0
    spec: dict[str, Any] = next(iter(yaml.safe_load_all(file.read_text(encoding="utf-8"))))
    checked(spec)
    return spec


def parameter(spec: dict[str, Any], name: str) -> Any:
    """A parameter of the Trainer."""
    return spec["root"]["dag"]["tasks"]["Trainer"]["inputs"]["parameters"][name]["runtimeValue"]["constant"]


def container(spec: dict[str, Any]) -> dict[str, Any]:
    """The Trainer's container."""
    found: dict[str, Any] = spec["deploymentSpec"]["executors"]["Trainer_executor"]["container"]
    return found


def test_on_kubernetes_the_node_waits_for_pods_with_its_resources(tmp_path: Path) -> None:
    nodes = "kubeflow.nodes.Trainer={cpu: 8, memory: 16Gi, gpus: 1}"
    spec = compiled(tmp_path, *SETS, "training.workers=3", "--set", nodes)

    pods = Pods.model_validate_json(json.loads(parameter(spec, "custom_config"))["pods"])
    assert (pods.count, pods.image, pods.folder) == (3, IMAGE, "/mnt/pipeline/output/cache/train_jobs")
    assert (pods.resources.cpu, pods.resources.memory, pods.resources.gpus) == (8, "16Gi", 1)
    assert parameter(spec, "run_fn") == "pipeline.training_jobs.trainjob_run_fn.run_fn"
    # It computes nothing itself: what any node may use is enough.
    assert container(spec)["resources"]["cpuLimit"] == 2
    assert "accelerator" not in container(spec)["resources"]


@pytest.mark.parametrize(("workers", "machines"), [(2, [1, 1]), (5, [1, 4])])
def test_on_vertex_the_first_pool_is_the_chief_and_the_second_has_the_others(
    workers: int, machines: list[int], tmp_path: Path
) -> None:
    more = ["--set", "kubeflow.nodes.Trainer={gpus: 2, gpu_type: NVIDIA_TESLA_T4}"]
    spec = compiled(tmp_path, *VERTEX, *SETS, f"training.workers={workers}", *more)

    config = json.loads(parameter(spec, "custom_config"))
    job = config["ai_platform_training_args"]["job_spec"]
    # Strictly: an unknown field is an error.
    parsed = json_format.ParseDict(job, custom_job.CustomJobSpec.pb(custom_job.CustomJobSpec()))
    assert [pool.replica_count for pool in parsed.worker_pool_specs] == machines
    for pool in parsed.worker_pool_specs:
        assert pool.container_spec.image_uri == IMAGE
        assert (pool.machine_spec.machine_type, pool.machine_spec.accelerator_count) == ("n1-standard-8", 2)
    assert (config["ai_platform_enable_vertex"], config["ai_platform_vertex_region"]) == (True, "europe-west4")
    assert config["ai_platform_training_args"]["project"] == "mine"
    assert parameter(spec, "run_fn") == "models.entrypoints.trainer.run_fn"
    arguments = container(spec)["args"]
    path = arguments[arguments.index("--executor_class_path") + 1]
    assert path == "tfx.extensions.google_cloud_ai_platform.trainer.executor.GenericExecutor"


def test_tfx_makes_of_it_a_custom_job_whose_containers_run_its_executor(tmp_path: Path) -> None:
    from tfx.extensions.google_cloud_ai_platform.training_clients import VertexJobClient

    spec = compiled(tmp_path, *VERTEX, *SETS, "training.workers=2")
    config = json.loads(parameter(spec, "custom_config"))
    arguments = {key: value for key, value in config["ai_platform_training_args"].items() if key != "project"}
    client = VertexJobClient.__new__(VertexJobClient)  # one that is made looks for credentials

    made = client.create_training_job(
        {}, {}, {}, "tfx.components.trainer.executor.GenericExecutor", arguments, None, {}
    )

    parsed = json_format.ParseDict(made, custom_job.CustomJob.pb(custom_job.CustomJob()))
    for pool in parsed.job_spec.worker_pool_specs:
        assert list(pool.container_spec.command[:3]) == ["python", "-m", "tfx.scripts.run_executor"]


def test_a_cluster_that_nobody_starts_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "pipeline.yaml")
    flags = ["--image", IMAGE, "--pipeline-root", PIPELINE_ROOT, "--output", file, *SETS[:2]]
    assert run_kubeflow.main(flags) == 2
    assert "multi_worker_mirrored needs training.workers" in capsys.readouterr().err


def test_processes_of_one_pod_are_let_pass_with_a_word(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    compiled(tmp_path, *SETS, "training.local_workers=2")
    assert (
        "warning   training.local_workers: 2 processes share the cores of the Trainer's one pod"
        in capfd.readouterr().out
    )
