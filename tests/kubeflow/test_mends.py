"""What is added to TFX's compiled spec, and what is taken out."""

from typing import Any

import pytest

from pipeline.config.environment import Kubeflow, Resources, Volume
from pipeline.kubeflow import spec_patches


def spec() -> dict[str, Any]:
    """Two container tasks, as TFX compiles them."""
    names = ("ExampleGen", "Trainer")
    return {
        "root": {
            "dag": {
                "tasks": {
                    name: {"componentRef": {"name": name}, "cachingOptions": {"enableCache": True}} for name in names
                }
            }
        },
        "components": {name: {"executorLabel": f"{name}_executor"} for name in names},
        "deploymentSpec": {
            "executors": {
                f"{name}_executor": {"container": {"image": "i:1", "args": ["--a", "b"], "lifecycle": {}}}
                for name in names
            }
        },
    }


def test_example_gen_resolves_its_span_itself() -> None:
    found = spec()
    spec_patches.run_driver(found, "ExampleGen")
    container = spec_patches.executor(found, "ExampleGen")["container"]
    assert "lifecycle" not in container
    assert container["args"] == ["--driver", spec_patches.DRIVER, "--a", "b"]


def test_a_condition_names_the_tasks_own_input() -> None:
    found = spec()
    task = spec_patches.tasks(found)["Trainer"]
    task["triggerPolicy"] = {"condition": "inputs.artifacts['_Gate.blessing'].artifacts[0].metadata['blessed'] == 1.0"}
    source = {"producerTask": "Gate", "outputArtifactKey": "blessing"}
    task["inputs"] = {"artifacts": {"verdict": {"taskOutputArtifact": source}}}
    spec_patches.name_conditions(found)
    expected = "inputs.artifacts['verdict'].artifacts[0].metadata['blessed'] == 1.0"
    assert task["triggerPolicy"] == {"condition": expected}


def test_what_reads_no_artifact_is_never_cached() -> None:
    found = spec()
    spec_patches.never_cached(found, ["ExampleGen"])
    assert [name for name, task in spec_patches.tasks(found).items() if "cachingOptions" in task] == ["Trainer"]


def test_a_failed_task_is_tried_again_as_often_as_configured() -> None:
    found = spec()
    spec_patches.add_retries(found, Kubeflow())
    assert "retryPolicy" not in spec_patches.tasks(found)["Trainer"]
    spec_patches.add_retries(found, Kubeflow(retries=2, retry_seconds=30))
    expected = {"maxRetryCount": 2, "backoffDuration": "30s", "backoffFactor": 2.0}
    assert spec_patches.tasks(found)["Trainer"]["retryPolicy"] == expected


def test_a_node_has_its_own_resources_or_those_of_all() -> None:
    found = spec()
    trainer = Resources(cpu=8, memory="16Gi", gpus=2)
    spec_patches.add_resources(found, Kubeflow(resources=Resources(memory="500M"), nodes={"Trainer": trainer}))
    resources = {
        name: spec_patches.executor(found, name)["container"]["resources"] for name in spec_patches.tasks(found)
    }
    assert resources == {
        "ExampleGen": {"memoryLimit": 0.5},
        "Trainer": {
            "cpuLimit": 8,
            "memoryLimit": pytest.approx(17.179869184),
            "accelerator": {"type": "nvidia.com/gpu", "count": "2"},
        },
    }


def test_nothing_configured_limits_nothing() -> None:
    found = spec()
    spec_patches.add_resources(found, Kubeflow())
    assert found == spec()


@pytest.mark.parametrize(
    ("quantity", "expected"), [("8Gi", 8 * 2**30), ("1.5G", 1.5e9), ("512Mi", 512 * 2**20), ("1024", 1024)]
)
def test_memory_is_read_as_kubernetes_writes_it(quantity: str, expected: float) -> None:
    assert spec_patches.memory_bytes(quantity) == expected


def test_every_container_mounts_every_volume() -> None:
    found = spec_patches.platform(spec(), [Volume(claim="data", path="/mnt/data")])
    assert found is not None
    executors = found["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert list(executors) == ["ExampleGen_executor", "Trainer_executor"]
    (mount,) = executors["Trainer_executor"]["pvcMount"]
    assert (mount["constant"], mount["mountPath"]) == ("data", "/mnt/data")
    assert spec_patches.platform(spec(), []) is None
