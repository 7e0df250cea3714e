"""Each rule refuses what would fail on a cluster, in a sentence that says what would be right."""

from dataclasses import replace
from typing import Any

import pytest

from models.training.training_options import Training
from pipeline.beam.workers import Workers, configured_workers
from pipeline.config.beam import Beam, Dataflow
from pipeline.config.environment import Environment, Kubeflow, Resources, Volume
from pipeline.config.metadata import MetadataStore
from pipeline.config.pipeline_config import Containers, load_config
from pipeline.kubeflow import compatibility_checks
from pipeline.kubeflow.compatibility_checks import Subject

KUBEFLOW = Kubeflow(storage="/mnt/pipeline", volumes=(Volume(claim="pipeline", path="/mnt/pipeline"),))


def subject(**changed: Any) -> Subject:
    """One container task that any rule lets pass, with changes."""
    task = changed.pop("task", {})
    executor = changed.pop("executor", {"container": {"image": "i:1", "args": ["--a", "b"]}})
    name = changed.pop("name", "Trainer")
    spec = {
        "root": {"dag": {"tasks": {name: {"componentRef": {"name": name}, **task}}}},
        "components": {name: {"executorLabel": "label"}},
        "deploymentSpec": {"executors": {"label": executor}},
    }
    own = {"target": "oss", "image": "i:1", "root": "s3://bucket/root", "kubeflow": KUBEFLOW, "beam": Beam()}
    given = {**own, "training": Training(), "containers": Containers("i:1"), **changed}
    return Subject(spec=spec, **given)


def test_what_is_right_has_no_fault() -> None:
    assert compatibility_checks.faults(subject()) == []
    assert compatibility_checks.faults(subject(name="T" * 121)) == []
    spared = KUBEFLOW.model_copy(update={"nodes": {"FineTuner": Resources(cpu=2)}})
    assert compatibility_checks.faults(subject(kubeflow=spared)) == []
    assert compatibility_checks.faults(subject(training=WORKERS)) == []
    assert compatibility_checks.faults(subject(training=CLUSTER.model_copy(update={"local_workers": 2}))) == []
    vertex = subject(target="vertex", root="gs://bucket/root", kubeflow=Kubeflow())
    assert compatibility_checks.faults(vertex) == []
    placed = Containers("i:1", project="p", location="europe-west4")
    assert compatibility_checks.faults(replace(vertex, training=WORKERS, containers=placed)) == []


@pytest.mark.parametrize("environment", ["kubeflow", "vertex"])
@pytest.mark.parametrize("runner", ["flink", "spark"])
def test_an_environment_of_kubeflow_has_nothing_of_its_own_against_a_runner(environment: str, runner: str) -> None:
    """So that the rule is what refuses it, and no key that nobody has set."""
    config = load_config("nyc_flights", environment=environment, sets=[f"beam.runner={runner}"])

    (fault,) = compatibility_checks.engines(subject(beam=config.environment.beam))
    assert fault.startswith(f"beam.runner: {runner}'s workers do not see a node's artifacts")


@pytest.mark.parametrize("environment", ["kubeflow", "vertex"])
def test_an_environment_of_kubeflow_reads_by_two_threads(environment: str) -> None:
    assert configured_workers(load_config("nyc_flights", environment=environment).environment.beam) == Workers(
        "multi_threading", 2
    )


def constant(value: Any) -> dict[str, Any]:
    """A task with one parameter."""
    return {"inputs": {"parameters": {"schema_text": {"runtimeValue": {"constant": value}}}}}


DYNAMIC = {"inputs": {"parameters": {"steps": {"taskOutputParameter": {"producerTask": "Counter_task"}}}}}
DATAFLOW = Dataflow(project="p", region="r", temp_location="gs://b/t", image="i:1")
CLUSTER = Training(strategy="multi_worker_mirrored")
WORKERS = Training(strategy="multi_worker_mirrored", workers=3)
GPUS = Resources(gpus=1, gpu_type="gpu")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"name": "train_model"}, "node 'train_model': Argo Workflows takes letters, digits and hyphens"),
        ({"name": "2ndTrainer"}, "node '2ndTrainer': Argo Workflows takes letters, digits and hyphens, a letter first"),
        ({"name": "T" * 122}, "a letter first, 121 at most"),
        ({"name": "root"}, "node 'root': Kubeflow Pipelines calls the whole graph so"),
        ({"executor": {"resolver": {}}}, "node 'Trainer': Kubeflow Pipelines has no resolvers"),
        (
            {"executor": {"importer": {"artifactUri": {"constant": "/home/me/model"}}}},
            "node 'Trainer': an importer needs a URI that containers can read. Received: '/home/me/model'",
        ),
        (
            {
                "executor": {"importer": {"artifactUri": {"constant": "s3://bucket/model"}}},
                "task": {"triggerPolicy": {"condition": "true"}},
            },
            "node 'Trainer': an importer cannot stand under a condition",
        ),
        ({"task": DYNAMIC}, "parameter 'steps' is another node's value (.future().value)"),
        ({"image": ""}, "--image: needed"),
        ({"beam": Beam(runner="flink")}, "beam.runner: flink's workers do not see a node's artifacts"),
        ({"beam": Beam(runner="dataflow", dataflow=DATAFLOW)}, "beam.runner: dataflow is for --target vertex"),
        ({"root": "/mnt/root"}, "--pipeline-root: expected one of gs://, s3://, minio://bucket/folder"),
        ({"root": "abfs://bucket"}, "--pipeline-root: expected one of gs://, s3://, minio://bucket/folder"),
        ({"target": "vertex", "kubeflow": Kubeflow()}, "--pipeline-root: Vertex AI keeps artifacts in gs://"),
        ({"target": "vertex", "root": "gs://b/r"}, "kubeflow.volumes: Vertex AI mounts no persistent volumes"),
        ({"kubeflow": Kubeflow()}, "kubeflow.storage: needed"),
        (
            {"kubeflow": Kubeflow(storage="/mnt/pipelines", volumes=KUBEFLOW.volumes)},
            "kubeflow.storage: '/mnt/pipelines' is on no volume. Mounted by kubeflow.volumes: /mnt/pipeline",
        ),
        ({"task": constant("x" * 120_000)}, "its parameters take 133 KiB of a command line, of which Linux allows 128"),
        (
            {"kubeflow": KUBEFLOW.model_copy(update={"nodes": {"Trainer": GPUS}})},
            "kubeflow.nodes.Trainer.gpu_type: expected such as nvidia.com/gpu. Received: 'gpu'",
        ),
        (
            {"target": "vertex", "root": "gs://b/r", "kubeflow": Kubeflow(resources=Resources(gpus=1))},
            "kubeflow.resources.gpu_type: expected such as NVIDIA_TESLA_T4. Received: 'nvidia.com/gpu'",
        ),
        (
            {"training": CLUSTER},
            "multi_worker_mirrored needs training.workers, the pods that train together, or training",
        ),
        (
            {"target": "vertex", "root": "gs://b/r", "kubeflow": Kubeflow(), "training": WORKERS},
            "training.workers: --project and --location needed, where Vertex AI makes the worker pools",
        ),
        (
            {
                "target": "vertex",
                "root": "gs://b/r",
                "kubeflow": Kubeflow(),
                "training": WORKERS,
                "containers": Containers("i:1", project="p"),
            },
            "training.workers: --location needed",
        ),
        (
            {
                "target": "vertex",
                "root": "gs://b/r",
                "kubeflow": Kubeflow(),
                "training": WORKERS.model_copy(update={"workers": 1}),
                "containers": Containers("i:1", project="p", location="l"),
            },
            "training.workers: expected 2 or more, since Vertex AI names no cluster to a single machine. Received: 1",
        ),
        (
            {"kubeflow": KUBEFLOW.model_copy(update={"nodes": {"Trianer": Resources(cpu=2)}})},
            "kubeflow.nodes.Trianer: no such node. Nodes: Trainer",
        ),
    ],
)
def test_what_would_fail_later_is_refused_now(changed: dict[str, Any], sentence: str) -> None:
    (fault,) = compatibility_checks.faults(subject(**changed))
    assert sentence in fault


def test_a_python_that_the_image_has_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.version_info", (3, 13, 1))
    (fault,) = compatibility_checks.faults(subject())
    assert fault == "Python 3.13: the image has 3.11, and so must what compiles"


class InfraValidator:
    """A node by the name of TFX's."""

    id = "Infra"


def test_an_infra_validator_is_refused_before_tfx_does() -> None:
    (fault,) = compatibility_checks.unfit_nodes([InfraValidator()])
    assert fault.startswith("node 'Infra': InfraValidator does not compile for Kubeflow Pipelines v2")


def test_a_metadata_store_of_our_own_is_refused() -> None:
    assert list(compatibility_checks.metadata_stores(Environment(name="kubeflow", orchestrator="kubeflow"))) == []
    server = MetadataStore(store="mysql", host="db", database="metadata", user="mlmd")
    [told] = compatibility_checks.metadata_stores(
        Environment(name="kubeflow", orchestrator="kubeflow", metadata=server)
    )
    assert "keep the metadata themselves; these keys are for run_local.py. Received: store mysql" in told
