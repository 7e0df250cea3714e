"""Kubeflow's own compiler and Argo's own validation take what we compile, and say why they refuse what we mend.

Both are Go, so the program in `validator/` needs `go` and its module proxy; without either these tests are skipped,
with what `go` said. Where the proxy does not serve the modules, checkouts of them may be named: KFP_SOURCE for
kubeflow/pipelines at the commit in validator/go.mod, ARGO_SOURCE for argo-workflows at the version there. The first
build takes minutes, later ones are Go's cache.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from textwrap import shorten
from typing import Any

import pytest
import yaml

from tests.crops import PROBLEMS
from tests.kubeflow.conftest import Compile

pytestmark = pytest.mark.slow

KFP = "github.com/kubeflow/pipelines"
ARGO = "github.com/argoproj/argo-workflows/v4"
# Folders of a checkout, by the module that is in each.
SOURCES = {
    "KFP_SOURCE": {KFP: "", f"{KFP}/api": "api", f"{KFP}/kubernetes_platform": "kubernetes_platform"},
    "ARGO_SOURCE": {ARGO: ""},
}
# Of validator/go.mod and go.sum themselves; all else that stops a download is no fault of ours.
OWN_FAULTS = ("checksum mismatch", "errors parsing go.mod")

Spec = dict[str, Any]
Done = subprocess.CompletedProcess[str]


def go(folder: Path, *arguments: str) -> Done:
    """`go` in a folder."""
    return subprocess.run(["go", *arguments], cwd=folder, capture_output=True, text=True, check=False)


def download(folder: Path, *modules: str) -> None:
    """Downloads modules, all of them when none is named; skips where they are not to be had."""
    done = go(folder, "mod", "download", *modules)
    if done.returncode == 0:
        return
    assert not any(fault in done.stderr for fault in OWN_FAULTS), done.stderr
    pytest.skip(f"go mod download: {shorten(done.stderr, 240)}")


def replace_by_checkouts(folder: Path) -> list[str]:
    """Has go.mod take modules from the checkouts that the environment names; returns the modules."""
    replaced = []
    for variable, modules in SOURCES.items():
        checkout = os.environ.get(variable)
        for module, within in modules.items() if checkout else ():
            source = Path(str(checkout)).resolve() / within
            assert (source / "go.mod").is_file(), f"{variable}: no go.mod in '{source}'"
            done = go(folder, "mod", "edit", f"-replace={module}={source}")
            assert done.returncode == 0, done.stderr
            replaced.append(module)
    return replaced


@pytest.fixture(scope="module")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built outside the project."""
    if shutil.which("go") is None:
        pytest.skip("go is not installed")
    folder = tmp_path_factory.mktemp("validator")
    shutil.copytree(Path(__file__).parent / "validator", folder, dirs_exist_ok=True)
    replaced = replace_by_checkouts(folder)
    # Those that a proxy may not serve come first, so that little is downloaded for nothing.
    if asked := [module for module in (KFP, ARGO) if module not in replaced]:
        download(folder, *asked)
    download(folder)
    built = go(folder, "build", "-o", "validator", ".")
    assert built.returncode == 0, built.stderr
    return folder / "validator"


Validate = Callable[[str], Done]


@pytest.fixture
def validate(validator: Path, tmp_path: Path) -> Validate:
    """validate(text): what the program says of a compiled pipeline."""

    def run(text: str) -> Done:
        file = tmp_path / "pipeline.yaml"
        file.write_text(text, encoding="utf-8")
        return subprocess.run([validator, file], capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ([], "accepted: 16 containers, 16 with settings for Kubernetes, 16 with retries"),
        (["--set", "kubeflow.retries=0"], "accepted: 16 containers, 16 with settings for Kubernetes, 0 with retries"),
        (
            ["--set", "tuning.enabled=true", "--set", "kubeflow.nodes.Trainer={cpu: 8, memory: 16Gi, gpus: 1}"],
            "accepted: 17 containers, 17 with settings for Kubernetes, 17 with retries",
        ),
        (
            ["--problem", str(PROBLEMS / "crops"), "--data", "data/crops"],
            "accepted: 15 containers, 15 with settings for Kubernetes, 15 with retries",
        ),
    ],
)
def test_what_we_compile_is_accepted(validate: Validate, compiled: Compile, flags: list[str], sentence: str) -> None:
    done = validate(compiled(*flags))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(sentence)


def changed(text: str, change: Callable[[Spec, Spec], None]) -> str:
    """The file after `change(spec, platform)`."""
    spec, platform = yaml.safe_load_all(text)
    change(spec, platform)
    return yaml.safe_dump_all([spec, platform])


def older_schema(spec: Spec, _: Spec) -> None:
    """As TFX compiles when it is not told otherwise."""
    spec["schemaVersion"] = "2.0.0"


def resolver(spec: Spec, platform: Spec) -> None:
    """As TFX compiles its Resolver."""
    spec["deploymentSpec"]["executors"]["Baseline_executor"] = {"resolver": {}}
    del platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["Baseline_executor"]


def importer_under_condition(spec: Spec, _: Spec) -> None:
    """As TFX compiles an Importer under a Cond."""
    spec["deploymentSpec"]["executors"]["Pusher_executor"] = {"importer": {"artifactUri": {"constant": "s3://b/m"}}}


def absent_producer(spec: Spec, _: Spec) -> None:
    """As TFX compiles `.future().value`."""
    parameter = {"taskOutputParameter": {"producerTask": "Counter_task", "outputParameterKey": "steps"}}
    spec["root"]["dag"]["tasks"]["Trainer"]["inputs"]["parameters"]["steps"] = parameter


def circle(spec: Spec, _: Spec) -> None:
    """Two tasks that wait for each other."""
    spec["root"]["dag"]["tasks"]["ImportSchemaGen"]["dependentTasks"] = ["StatisticsGen"]


def unknown_resource(spec: Spec, _: Spec) -> None:
    """A limit of a name that Kubeflow does not have, and would read past."""
    spec["deploymentSpec"]["executors"]["Trainer_executor"]["container"]["resources"] = {"memory": 4}


def unknown_mount(_: Spec, platform: Spec) -> None:
    """A mount of a path that Kubeflow does not know, and would read past."""
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    executors["Trainer_executor"]["pvcMount"][0]["path"] = "/mnt/pipeline"


def unknown_executor(_: Spec, platform: Spec) -> None:
    """Settings for an executor that is not there, which Kubeflow would read past."""
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    executors["Trianer_executor"] = executors.pop("Trainer_executor")


def other_platform(_: Spec, platform: Spec) -> None:
    """A document for no platform of Kubeflow's, which it would read past."""
    platform["platforms"]["kubernets"] = platform["platforms"].pop("kubernetes")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (older_schema, "KFP only supports schema version 2.1.0, but the pipeline spec has version 2.0.0"),
        (resolver, 'executor(label="Baseline_executor"): non-container and non-importer executor not implemented'),
        (importer_under_condition, "triggerPolicy.condition on importer task is not supported"),
        (absent_producer, 'unknown producer task "Counter_task"'),
        (circle, "graph with cycle"),
        (unknown_resource, 'unknown field "memory"'),
        (unknown_mount, 'unknown field "path"'),
        (unknown_executor, 'no executor "Trianer_executor" in the spec. Executors: AnomalyGate_executor, '),
        (other_platform, 'platforms: expected kubernetes alone. Received: ["kubernets"]'),
    ],
)
def test_what_is_wrong_is_refused_with_the_reason(
    validate: Validate, compiled: Compile, change: Callable[[Spec, Spec], None], sentence: str
) -> None:
    done = validate(changed(compiled(), change))
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith("refused: ")
    assert sentence in done.stderr


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        # Argo takes the words around the underscore for tasks of their own, and names any of them.
        ("Base_line", "invalid dependency "),
        ("1stBaseline", "name cannot begin with a digit"),
        ("B" * 122, "must be no more than 128 characters"),
        ("root", 'compiling task "root"'),
    ],
)
def test_a_name_that_our_rules_refuse_is_refused(
    validate: Validate, compiled: Compile, name: str, sentence: str
) -> None:
    done = validate(compiled().replace("Baseline", name))
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith("refused: by ")
    assert sentence in done.stderr


def test_the_longest_name_that_our_rules_take_is_accepted(validate: Validate, compiled: Compile) -> None:
    assert validate(compiled().replace("Baseline", "B" * 121)).returncode == 0


def test_what_is_no_pipeline_is_refused(validate: Validate) -> None:
    assert "0 documents" in validate("").stderr
    assert "spec: " in validate("apiVersion: v1\nkind: ConfigMap\n").stderr
    assert "yaml: " in validate("{").stderr


def test_it_takes_one_file_that_is_there(validator: Path, tmp_path: Path) -> None:
    for arguments in ([], ["a.yaml", "b.yaml"], ["absent.yaml"]):
        done = subprocess.run([validator, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "usage: validator PIPELINE.yaml" in done.stderr or "absent.yaml" in done.stderr
