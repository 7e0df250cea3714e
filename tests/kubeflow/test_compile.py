"""run_kubeflow.py as a person calls it: what it writes, prints and refuses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import run_kubeflow
from tests.e2e.running import ROOT
from tests.kubeflow.conftest import IMAGE, PIPELINE_ROOT, Compile
from tests.kubeflow.launcher import checked, documents


def test_the_same_pipeline_is_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    for seed in ("1", "2"):
        flags = ["--image", IMAGE, "--pipeline-root", PIPELINE_ROOT, "--output", str(tmp_path / f"{seed}.yaml")]
        done = subprocess.run(
            [sys.executable, str(ROOT / "run_kubeflow.py"), *flags],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
    assert (tmp_path / "1.yaml").read_bytes() == (tmp_path / "2.yaml").read_bytes()


def test_both_documents_are_read_strictly(compiled: Compile) -> None:
    spec, platform = documents(compiled())
    checked(spec)
    assert spec["pipelineInfo"]["name"] == "nyc-flights"
    assert spec["defaultPipelineRoot"] == PIPELINE_ROOT
    assert platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def test_no_path_of_this_machine_is_in_it(compiled: Compile) -> None:
    text = compiled()
    assert str(ROOT) not in text
    assert f"{Path.home()}/" not in text
    assert "/mnt/pipeline/data/nyc_flights" in text


def test_the_screen_says_what_will_run_where(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    flags = [
        "--image",
        "example.com/flights",
        "--pipeline-root",
        PIPELINE_ROOT,
        "--set",
        "kubeflow.nodes.Tuner={cpu: 2}",
    ]
    assert run_kubeflow.main([*flags, "--set", "tuning.enabled=true", "--output", "p.yaml"]) == 0
    screen = capfd.readouterr().out
    assert "  nyc_flights for Kubeflow Pipelines, environment kubeflow" in screen
    assert "  ExampleGen        2 cores, 4Gi              runs each time" in screen
    assert "  Tuner             2 cores" in screen
    assert "  FineTuner         4 cores, 8Gi" in screen
    assert "  data      /mnt/pipeline/data/nyc_flights, as nodes see it" in screen
    assert "warning   image 'example.com/flights' has no tag" in screen
    assert "  written   p.yaml, 17 nodes" in screen


def test_vertex_finds_data_and_releases_in_the_bucket(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "vertex.yaml"
    flags = ["--target", "vertex", "--image", IMAGE, "--pipeline-root", "gs://bucket/root", "--output", str(file)]
    assert run_kubeflow.main(flags) == 0
    documents = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    assert len(documents) == 1
    checked(documents[0])
    screen = capfd.readouterr().out
    assert "  data      /gcs/bucket/root/data/nyc_flights, as nodes see it" in screen
    assert "  releases  /gcs/bucket/root/output/pushed/nyc_flights, as nodes see it" in screen


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--output", "p.json"], "--output: Kubeflow Pipelines takes .yaml files. Received: 'p.json'"),
        (["--environment", "local"], "--environment local: is for run_local.py"),
        (["--environment", "kubeflwo"], "no environment 'kubeflwo'. Known environments: kubeflow, local, vertex"),
        (["--set", "kubeflow.retires=2"], "unknown key 'kubeflow.retires'. Did you mean 'retries'?"),
        (["--set", "kubeflow.volumes=[]"], "kubeflow.storage: '/mnt/pipeline' is on no volume"),
        (["--set", "kubeflow.resources={memory: 8Gb}"], "key 'kubeflow.resources.memory'"),
        (["--output", "no/such/folder/p.yaml"], "no/such/folder/p.yaml: No such file or directory"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    flags: list[str],
    sentence: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_kubeflow.main(["--image", IMAGE, "--pipeline-root", PIPELINE_ROOT, *flags]) == 2
    assert sentence in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_environment_of_kubeflow_is_not_for_run_local(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import run_local

    assert run_local.main(["--environment", "kubeflow", "--output", str(tmp_path / "out")]) == 2
    assert "--environment kubeflow: is for run_kubeflow.py" in capfd.readouterr().err
