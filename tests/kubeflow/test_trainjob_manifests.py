"""What is applied to a cluster, read as strictly as an API server does, and bound to what the code expects of it."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from pipeline.config.environment import Environment, Resources
from pipeline.training_jobs import trainjob_api
from schema.closed import read_yaml
from schema.errors import AnomalyError, InputError, NotBlessedError
from tests.kubeflow.trainer_api import MANIFESTS, ROOT, UnfitError, checked, read, types

KUBERNETES = "1.33"


def runtime() -> dict[str, Any]:
    """The runtime's JobSet."""
    found: dict[str, Any] = read("training_runtime.yaml")["spec"]["template"]["spec"]
    return found


@pytest.mark.parametrize("name", ["role.yaml", "role_binding.yaml"])
def test_kinds_of_kubernetes_are_whole_and_have_no_other_key(name: str) -> None:
    kubernetes_validate.validate(read(name), KUBERNETES, strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**read(name), "rule": []}, KUBERNETES, strict=True)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("training_runtime.yaml", types.TrainerV1alpha1TrainingRuntime),
        ("train_job.example.yaml", types.TrainerV1alpha1TrainJob),
    ],
)
def test_kinds_of_kubeflow_trainer_have_no_other_key(name: str, kind: Any) -> None:
    assert checked(read(name), kind)["kind"] in kind.__name__
    with pytest.raises(UnfitError, match="unknown keys"):
        checked({**read(name), "specs": {}}, kind)


def test_the_pods_of_the_runtime_are_pods_of_kubernetes() -> None:
    (job,) = runtime()["replicatedJobs"]
    pod = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "node"}, "spec": job["template"]["spec"]}
    kubernetes_validate.validate(pod, KUBERNETES, strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**pod, "spec": {**pod["spec"], "retries": 1}}, KUBERNETES, strict=True)


def test_every_manifest_but_the_example_is_applied() -> None:
    applied = read_yaml(MANIFESTS / "kustomization.yaml")["resources"]
    others = {path.name for path in MANIFESTS.glob("*.yaml")} - {"kustomization.yaml", "train_job.example.yaml"}
    assert set(applied) == others


def test_the_example_is_what_the_node_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KFP_POD_NAME", raising=False)
    name, nodes = "0123456789abcdef", environment().kubeflow.nodes
    job = Path(f"/mnt/pipeline/output/cache/train_jobs/{name}/job.json")
    made = trainjob_api.manifest(f"train-{name}", 2, "example.com/flights:1", nodes["Trainer"], job)
    assert read("train_job.example.yaml") == made


def environment() -> Environment:
    """That of open-source Kubeflow."""
    file = ROOT / "pipeline" / "environments" / "kubeflow.yaml"
    return Environment.from_mapping(yaml.safe_load(file.read_text(encoding="utf-8")), str(file))


def test_the_pods_mount_what_the_nodes_mount() -> None:
    (job,) = runtime()["replicatedJobs"]
    pod = job["template"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    claims = {volume["name"]: volume["persistentVolumeClaim"]["claimName"] for volume in pod["volumes"]}
    mounted = {(claims[mount["name"]], mount["mountPath"]) for mount in container["volumeMounts"]}
    assert mounted == {(volume.claim, volume.path) for volume in environment().kubeflow.volumes}


def test_kubeflow_trainer_finds_the_pods_by_these_names() -> None:
    # pkg/constants/constants.go: AncestorTrainer, Node. The addresses of the workers are made of the second.
    (job,) = runtime()["replicatedJobs"]
    assert job["template"]["metadata"]["labels"] == {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}
    containers = job["template"]["spec"]["template"]["spec"]["containers"]
    assert (job["name"], [container["name"] for container in containers]) == ("node", ["node"])
    workers = trainjob_api.manifest("t", 2, "i", Resources(), Path("/j"))["spec"]["trainer"]["args"][-1]
    assert workers == "t-node-0-0.t:2222,t-node-0-1.t:2222"


def test_what_a_person_has_to_mend_fails_the_job_at_once() -> None:
    (job,) = runtime()["replicatedJobs"]
    (rule,) = job["template"]["spec"]["podFailurePolicy"]["rules"]
    codes = [error.exit_code for error in (InputError, AnomalyError, NotBlessedError)]
    assert (rule["action"], rule["onExitCodes"]["values"]) == ("FailJob", codes)
    (policy,) = runtime()["failurePolicy"]["rules"]
    assert (policy["action"], policy["onJobFailureReasons"]) == ("FailJobSet", ["PodFailurePolicy"])


def test_the_role_is_bound_to_who_runs_the_nodes() -> None:
    role, binding = read("role.yaml"), read("role_binding.yaml")
    assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == ("Role", role["metadata"]["name"])
    assert [(s["kind"], s["name"]) for s in binding["subjects"]] == [("ServiceAccount", "pipeline-runner")]
    assert role["rules"] == [
        {"apiGroups": [trainjob_api.GROUP], "resources": [trainjob_api.PLURAL], "verbs": ["create", "get", "delete"]}
    ]
