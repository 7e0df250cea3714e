"""Without one of our mends the emulated cluster refuses the pipeline or fails at it: no check is idle."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.crops import PROBLEMS, write_crops
from tests.kubeflow.conftest import PIPELINE_ROOT, Compile, skip_without_sandbox
from tests.kubeflow.launcher import Cluster, Done, RefusedError, holds

TFX = ["python", "-m", "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"]


@pytest.fixture
def crops_cluster(tmp_path: Path) -> Cluster:
    """A cluster with a small table on its volume."""
    skip_without_sandbox()
    write_crops(tmp_path / "volume" / "data" / "crops")
    return Cluster(tmp_path / "cluster", {"pipeline": tmp_path / "volume"})


@pytest.fixture(scope="module")
def crops_text(compiled: Compile) -> str:
    """The small table's pipeline."""
    return compiled("--problem", str(PROBLEMS / "crops"), "--data", "data/crops")


def changed(text: str, change: Any) -> str:
    """The file after `change(spec)`."""
    documents = list(yaml.safe_load_all(text))
    change(documents[0])
    return yaml.safe_dump_all(documents)


def container(spec: dict[str, Any], task: str) -> dict[str, Any]:
    """A task's container."""
    found: dict[str, Any] = spec["deploymentSpec"]["executors"][f"{task}_executor"]["container"]
    return found


def printed(done: dict[str, Done], task: str) -> str:
    """What a task that failed printed."""
    assert done[task].status == "failed"
    return done[task].printed()


def test_with_all_of_them_it_runs(crops_cluster: Cluster, crops_text: str) -> None:
    done = crops_cluster.run(crops_text, PIPELINE_ROOT, last="StatisticsGen")
    assert {name: task.status for name, task in done.items()}["StatisticsGen"] == "ran", done["StatisticsGen"].printed()


def test_tfx_alone_does_not_know_the_drivers_log_output(crops_cluster: Cluster, crops_text: str) -> None:
    def change(spec: dict[str, Any]) -> None:
        container(spec, "ImportSchemaGen")["command"] = TFX

    done = crops_cluster.run(changed(crops_text, change), PIPELINE_ROOT, last="ImportSchemaGen")
    assert "system.Artifact" in printed(done, "ImportSchemaGen")


def test_without_a_driver_examples_have_no_span(crops_cluster: Cluster, crops_text: str) -> None:
    def change(spec: dict[str, Any]) -> None:
        arguments = container(spec, "ExampleGen")["args"]
        del arguments[: arguments.index("--executor_class_path")]

    done = crops_cluster.run(changed(crops_text, change), PIPELINE_ROOT, last="ExampleGen")
    assert done["ExampleGen"].status == "ran", done["ExampleGen"].printed()
    metadata = done["ExampleGen"].outputs["examples"]["metadata"]
    assert {"custom:span", "input_fingerprint"}.isdisjoint(metadata)


def test_a_cached_example_gen_would_not_see_new_data(crops_cluster: Cluster, crops_text: str) -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["root"]["dag"]["tasks"]["ExampleGen"]["cachingOptions"] = {"enableCache": True}

    cached = changed(crops_text, change)
    statuses = []
    for text in (cached, cached, crops_text):
        done = crops_cluster.run(text, PIPELINE_ROOT, last="ExampleGen")
        statuses.append(done["ExampleGen"].status)
        write_crops(crops_cluster.volumes["pipeline"] / "data" / "crops", range(2025, 2026))
    assert statuses == ["ran", "cached", "ran"]


def test_without_the_volume_there_is_no_data(crops_cluster: Cluster, crops_text: str) -> None:
    alone = yaml.safe_dump(next(iter(yaml.safe_load_all(crops_text))))
    done = crops_cluster.run(alone, PIPELINE_ROOT, last="ExampleGen")
    assert "/mnt/pipeline/data/crops" in printed(done, "ExampleGen")


def test_the_condition_that_tfx_writes_names_no_input(crops_text: str) -> None:
    task = next(iter(yaml.safe_load_all(crops_text)))["root"]["dag"]["tasks"]["Pusher"]
    written = task["triggerPolicy"]["condition"]
    blessing = {"name": "1", "uri": "s3://b/x", "metadata": {"blessed": 1.0}}
    execution = {"inputs": {"parameterValues": {}, "artifacts": {"blessing": {"artifacts": [blessing]}}}}
    assert holds(written, execution)
    with pytest.raises(RefusedError, match="condition"):
        holds(written.replace("['blessing']", "['_ReleaseGate.blessing']"), execution)


def test_the_older_schema_version_is_refused(crops_cluster: Cluster, crops_text: str) -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["schemaVersion"] = "2.0.0"

    with pytest.raises(RefusedError, match=r"schema version 2\.0\.0"):
        crops_cluster.run(changed(crops_text, change), PIPELINE_ROOT)


def test_a_resolver_is_refused(crops_cluster: Cluster, crops_text: str) -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["deploymentSpec"]["executors"]["Baseline_executor"] = {"resolver": {}}

    with pytest.raises(RefusedError, match="task 'Baseline': resolver is not supported"):
        crops_cluster.run(changed(crops_text, change), PIPELINE_ROOT)
