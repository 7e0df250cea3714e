"""The Trainer's node with training.workers: it makes a TrainJob, waits, and has the model; no cluster is here.

The API is tests/kubeflow/trainer_api.py; the pods are processes that run the TrainJob's own command.
"""

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from models.entrypoints.trainer import checkpoint_folder
from models.entrypoints.trainer import run_fn as run_here
from models.training.training_options import Training
from pipeline.config.environment import Resources
from pipeline.training_jobs import trainjob_run_fn
from pipeline.training_jobs.trainjob_api import TrainJobs, manifest
from pipeline.training_jobs.trainjob_run_fn import Pods, laid_out, run_fn
from schema.errors import InputError, PipelineError
from schema.signatures import SERVING_FORM, WEIGHTS
from tests.kubeflow.trainer_api import TrainerApi, checked, kill, read, served, types
from tests.models.training_case import bound_problem, fn_args, rows, write_examples, write_shards

TIMEOUT_SECONDS = 120
WORKERS = Training(strategy="multi_worker_mirrored", workers=2)


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainerApi]:
    """A Kubernetes API that this process talks to."""
    monkeypatch.setattr(trainjob_run_fn, "_POLL_SECONDS", 0.1)
    with served(tmp_path / "cluster") as (found, kubeconfig):
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        yield found


def arguments(tmp_path: Path, examples: Path, graph: Path, **network: Any) -> SimpleNamespace:
    """What TFX hands to run_fn in the Trainer's pod; the volume is tmp_path/volume."""
    values = fn_args(tmp_path / "node", examples, graph, bound_problem(**network), WORKERS)
    volume = tmp_path / "volume"
    mine = Pods(count=2, image="example.com/flights:1", resources=Resources(cpu=1), folder=str(volume / "train_jobs"))
    values["custom_config"] |= {"pods": mine.model_dump_json(), "checkpoints": str(volume / "checkpoints")}
    return SimpleNamespace(**values)


def model(values: SimpleNamespace) -> Path:
    """Where TFX expects the model."""
    return Path(values.serving_model_dir).parent


def weights(folder: Path) -> dict[str, Any]:
    """The exported weights by name."""
    with np.load(folder / WEIGHTS) as saved:
        return {name: found for name, found in saved.items() if name != "layout"}


def until(holds: Callable[[], bool]) -> None:
    """Waits for something that comes in time."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def in_thread(values: SimpleNamespace) -> tuple[threading.Thread, list[BaseException]]:
    """run_fn in a thread, and what it raised."""
    raised: list[BaseException] = []

    def work() -> None:
        try:
            run_fn(values)
        except PipelineError as error:
            raised.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread, raised


@pytest.mark.slow
def test_two_pods_train_as_one_process_of_the_same_global_batch(
    api: TrainerApi, examples: Path, transform_graph: Path, tmp_path: Path
) -> None:
    values = arguments(tmp_path, examples, transform_graph, batch_size=32)
    run_fn(values)
    alone = SimpleNamespace(**fn_args(tmp_path / "one", examples, transform_graph, bound_problem(batch_size=64)))
    run_here(alone)

    for name, expected in weights(model(alone)).items():
        np.testing.assert_allclose(weights(model(values))[name], expected, rtol=1e-4, atol=1e-5)
    assert (model(values) / SERVING_FORM / "saved_model.pb").is_file()
    assert list(Path(values.model_run_dir).rglob("events.*"))
    # Nothing is left on the volume, and no more was asked than the Role allows.
    assert not list((tmp_path / "volume" / "train_jobs").iterdir())
    assert {verb for verb, _ in api.asked} == {"get", "create"}


@pytest.mark.slow
def test_a_lost_pod_starts_all_again_from_the_checkpoint(
    api: TrainerApi, transform_graph: Path, tmp_path: Path
) -> None:
    examples = write_examples(tmp_path / "examples", train_rows=1600)
    values = arguments(tmp_path, examples, transform_graph, epochs=3)
    node, raised = in_thread(values)
    until(lambda: "Epoch 3/3" in api.log())
    (job,) = api.jobs.values()
    kill(job.pods[1])
    node.join()

    assert raised == []
    assert [bool(any(codes)) for codes in job.attempts] == [True, False]
    assert "training resumes after epoch 2" in api.log()
    assert (model(values) / SERVING_FORM / "saved_model.pb").is_file()


@pytest.mark.slow
def test_what_a_person_has_to_mend_is_told_in_the_workers_words_and_not_tried_again(
    api: TrainerApi, transform_graph: Path, tmp_path: Path
) -> None:
    examples = tmp_path / "examples"
    write_shards(examples, "train", [rows(1)])
    write_shards(examples, "eval", [rows(8)])

    with pytest.raises(InputError) as caught:
        run_fn(arguments(tmp_path, examples, transform_graph))

    assert str(caught.value) == "split 'train': expected a row for each of 2 replicas. Received: 1"
    (job,) = api.jobs.values()
    assert len(job.attempts) == 1


@pytest.mark.slow
def test_a_node_that_is_tried_again_joins_the_job_of_its_first_attempt(
    api: TrainerApi, transform_graph: Path, tmp_path: Path
) -> None:
    examples = write_examples(tmp_path / "examples", train_rows=1600)
    values = arguments(tmp_path, examples, transform_graph)
    identity = checkpoint_folder(values).name
    job = laid_out(
        {name: getattr(values, name) for name in vars(values)}, tmp_path / "volume" / "train_jobs" / identity
    )
    TrainJobs.of_this_cluster().replace(manifest(f"train-{identity}", 2, "i:1", Resources(), job), 0.1)

    run_fn(values)

    assert [verb for verb, _ in api.asked].count("create") == 1
    assert (model(values) / SERVING_FORM / "saved_model.pb").is_file()


def test_a_failed_job_of_an_earlier_attempt_makes_room_for_another(api: TrainerApi, tmp_path: Path) -> None:
    jobs, wanted = TrainJobs.of_this_cluster(), manifest("train-1", 2, "i:1", Resources(), tmp_path / "none.json")
    jobs.replace(wanted, 0.1)
    # Both pods find no job's file, which a person has to mend.
    until(lambda: jobs.ended("train-1") is not None)
    first = jobs.ended("train-1")
    jobs.replace(wanted, 0.1)

    assert first is not None
    assert first.failed
    assert [verb for verb, _ in api.asked if verb != "get"] == ["create", "delete", "create"]


def test_a_role_without_the_verb_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [{**rule, "verbs": ["get"]} for rule in read("role.yaml")["rules"]]
    with served(tmp_path / "cluster", rules) as (_, kubeconfig):
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        with pytest.raises(PipelineError) as caught:
            TrainJobs.of_this_cluster().replace(manifest("train-1", 2, "i:1", Resources(), tmp_path / "job.json"), 0.1)
    assert str(caught.value) == (
        "training: Kubernetes did not create a TrainJob in namespace kubeflow: this pod's service account may not do "
        "that (403). Kubeflow Trainer v2 and deploy/trainjob have to be applied there."
    )


def test_a_server_that_answers_later_is_waited_for_and_one_that_never_does_is_not(
    api: TrainerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = TrainJobs.of_this_cluster()
    api.jobs["train-1"] = SimpleNamespace(  # type: ignore[assignment]
        body={"status": {"conditions": [{"type": "Complete", "status": "True"}]}}, pods=[], thread=None
    )
    api.failing = [503, 503]
    assert not trainjob_run_fn._await(jobs, "train-1").failed

    monkeypatch.setattr(trainjob_run_fn, "_FAILED_LOOKS", 2)
    api.failing = [503] * 3
    with pytest.raises(PipelineError, match="training: the Kubernetes API answers 503"):
        trainjob_run_fn._await(jobs, "train-1")


def test_a_job_that_somebody_deletes_is_an_error(api: TrainerApi) -> None:
    with pytest.raises(PipelineError, match="somebody deleted the TrainJob train-1 before it had ended"):
        trainjob_run_fn._await(TrainJobs.of_this_cluster(), "train-1")
    assert api.asked == [("get", 404)]


def test_without_a_cluster_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(InputError, match=r"training\.workers: no Kubernetes cluster to train on: Invalid kube-config"):
        TrainJobs.of_this_cluster()


def test_nobody_at_the_address_is_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(tmp_path / "cluster") as (_, kubeconfig):
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        jobs = TrainJobs.of_this_cluster()
    with pytest.raises(PipelineError, match="training: the Kubernetes API cannot be reached"):
        jobs.running("train-1")


def test_what_a_training_reads_is_copied_once_and_named_by_the_copy(
    examples: Path, transform_graph: Path, tmp_path: Path
) -> None:
    base = tmp_path / "released" / SERVING_FORM
    base.mkdir(parents=True)
    (base.parent / WEIGHTS).parent.mkdir(exist_ok=True)
    (base.parent / WEIGHTS).write_bytes(b"weights")
    values = vars(arguments(tmp_path, examples, transform_graph)) | {"base_model": str(base)}
    folder = tmp_path / "volume" / "1"

    found = json.loads(laid_out(values, folder).read_text(encoding="utf-8"))
    shutil.rmtree(base.parent)
    assert laid_out(values, folder).is_file()

    assert found["train_files"] == [f"{folder}/examples/Split-train/*"]
    assert found["eval_files"] == [f"{folder}/examples/Split-eval/*"]
    assert (Path(found["base_model"]).parent / WEIGHTS).read_bytes() == b"weights"
    assert Path(found["schema_file"]).read_text(encoding="utf-8") == Path(values["schema_file"]).read_text("utf-8")
    assert (Path(found["transform_output"]) / "statistics.json").is_file()
    outside = [path for key, path in found.items() if key != "custom_config" and str(tmp_path / "node") in str(path)]
    assert outside == []


def test_the_pods_belong_to_the_node_that_made_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KFP_POD_NAME", "trainer-pod")
    monkeypatch.setenv("KFP_POD_UID", "1-2-3")
    made = checked(manifest("train-1", 2, "i:1", Resources(), tmp_path), types.TrainerV1alpha1TrainJob)
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "trainer-pod", "uid": "1-2-3"}
    assert made["metadata"]["ownerReferences"] == [owner]


def test_resources_are_those_of_the_trainer(tmp_path: Path) -> None:
    wanted = Resources(cpu=1.5, memory="8Gi", gpus=2, gpu_type="amd.com/gpu")
    made = checked(manifest("train-1", 2, "i:1", wanted, tmp_path), types.TrainerV1alpha1TrainJob)
    limits = {"cpu": "1.5", "memory": "8Gi", "amd.com/gpu": "2"}
    assert made["spec"]["trainer"]["resourcesPerNode"] == {"limits": limits, "requests": limits}
    assert "resourcesPerNode" not in manifest("train-1", 2, "i:1", Resources(), tmp_path)["spec"]["trainer"]


def test_nobody_listens_at_a_served_address_afterwards(tmp_path: Path) -> None:
    with served(tmp_path / "cluster") as (_, kubeconfig):
        port = int(kubeconfig.read_text(encoding="utf-8").partition("127.0.0.1:")[2].split()[0])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
