"""A worker through its own door: it joins the chief that is there, no other, and says what it waits for."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from models.entrypoints.trainer import job_file
from models.entrypoints.worker import main, wait_for_job
from models.training.training_options import Training
from schema.errors import InputError
from schema.signatures import SERVING_FORM
from tests.models.training_case import bound_problem, fn_args

ROOT = Path(__file__).resolve().parents[3]
TIMEOUT_SECONDS = 120
JOB = {"train_files": ["of the chief that listens"]}


def tf_config(cluster: dict[str, list[str]], kind: str, index: int) -> dict[str, Any]:
    return {"cluster": cluster, "task": {"type": kind, "index": index}}


@contextmanager
def listening() -> Iterator[str]:
    """host:port of somebody who listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def silent(count: int) -> list[str]:
    """host:port where nobody listens, `count` times."""
    with ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [f"127.0.0.1:{server.getsockname()[1]}" for server in servers]


def left(checkpoints: Path, cluster: dict[str, list[str]]) -> Path:
    """The file of a chief's job."""
    file = job_file(checkpoints)
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"cluster": cluster, "fn_args": JOB}), encoding="utf-8")
    return file


@contextmanager
def running(arguments: list[str], task: dict[str, Any], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own, as this task of its cluster; it is gone when the block ends, or in time."""
    with (
        log.open("wb") as stream,
        subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env={**os.environ, "TF_CONFIG": json.dumps(task)},
            stdout=stream,
            stderr=stream,
        ) as process,
    ):
        watchdog = threading.Timer(TIMEOUT_SECONDS, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def test_without_a_tf_config_it_says_what_that_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)

    assert main(["--output", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        "training.strategy: multi_worker_mirrored needs TF_CONFIG with a cluster and a task of it, such as "
        '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}. Received: \'\'\n'
    )


@pytest.mark.parametrize(
    ("cluster", "kind"), [({"worker": ["a:1", "b:1"]}, "worker"), ({"chief": ["a:1"], "worker": ["b:1"]}, "chief")]
)
def test_the_chief_is_told_to_run_the_pipeline(
    cluster: dict[str, list[str]], kind: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CONFIG", json.dumps(tf_config(cluster, kind, 0)))

    assert main(["--output", "shared"]) == 2
    assert capsys.readouterr().err == (
        "TF_CONFIG: this process is the cluster's chief, which runs the pipeline: `python run_local.py --output shared "
        "--only Trainer --set training.strategy=multi_worker_mirrored`. "
        f'Received: task {{"type": "{kind}", "index": 0}}\n'
    )


def test_it_says_once_what_it_waits_for_and_what_to_do_when_it_did_not_come(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    addresses = silent(2)
    monkeypatch.setenv("TF_CONFIG", json.dumps(tf_config({"worker": addresses}, "worker", 1)))
    file = tmp_path / "cache" / "checkpoints" / "workers" / "job.json"

    assert main(["--output", str(tmp_path), "--patience", "1.5"]) == 2
    assert capsys.readouterr().err == (
        f"waiting for the chief at {addresses[0]} to begin a training, and for {file}\n"
        f"--patience 1.5: no chief at {addresses[0]} began a training in that time, with {file} in its output folder. "
        "Start it, with the same --output on a disk that all machines see, or wait longer.\n"
    )


def test_a_killed_chiefs_job_is_not_joined(tmp_path: Path) -> None:
    cluster = {"worker": silent(2)}
    file = left(tmp_path, cluster)

    with pytest.raises(InputError, match="--patience 0: no chief at 127"):
        wait_for_job(file, tf_config(cluster, "worker", 1), patience=0)


def test_a_chief_that_does_not_train_yet_is_not_joined(tmp_path: Path) -> None:
    with listening() as chief, pytest.raises(InputError, match=f"--patience 0: no chief at {chief}"):
        wait_for_job(job_file(tmp_path), tf_config({"worker": [chief, "b:1"]}, "worker", 1), patience=0)


@pytest.mark.parametrize("kind", ["chief", "worker"])
def test_the_job_of_the_chief_that_listens_is_taken(kind: str, tmp_path: Path) -> None:
    with listening() as chief:
        cluster = {"chief": [chief], "worker": ["b:1"]} if kind == "chief" else {"worker": [chief, "b:1"]}
        task = tf_config(cluster, "worker", len(cluster["worker"]) - 1)

        assert wait_for_job(left(tmp_path, cluster), task, patience=0) == JOB


def test_a_chief_of_another_cluster_is_named(tmp_path: Path) -> None:
    with listening() as chief:
        file = left(tmp_path, {"worker": [chief, "b:1", "c:1"]})

        with pytest.raises(InputError) as caught:
            wait_for_job(file, tf_config({"worker": [chief, "b:1"]}, "worker", 1), patience=0)

    assert str(caught.value) == (
        f'TF_CONFIG: expected the chief\'s cluster, {{"worker": ["{chief}", "b:1", "c:1"]}}. '
        f'Received: {{"worker": ["{chief}", "b:1"]}}'
    )


def test_an_address_without_a_port_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"TF_CONFIG: expected host:port of the chief\. Received: 'somewhere'"):
        wait_for_job(job_file(tmp_path), tf_config({"worker": ["somewhere", "b:1"]}, "worker", 1), patience=0)


@pytest.mark.slow
def test_the_worker_trains_with_the_chiefs_job_and_the_chief_alone_exports(
    examples: Path, transform_graph: Path, tmp_path: Path
) -> None:
    output, cluster = tmp_path / "output", {"worker": silent(2)}
    options = Training(strategy="multi_worker_mirrored")
    values = fn_args(output / "model_of_the_chief", examples, transform_graph, bound_problem(), options)
    checkpoints = output / "cache" / "checkpoints"
    values["custom_config"]["checkpoints"] = str(checkpoints)
    left(checkpoints, {"worker": ["of a killed chief:1"]})
    (tmp_path / "arguments.json").write_text(json.dumps(values), encoding="utf-8")
    logs = tmp_path / "chief.log", tmp_path / "worker.log"

    chief = ["tests.models.training_script", "chief", str(tmp_path / "arguments.json")]
    worker = ["models.entrypoints.worker", "--output", str(output), "--patience", str(TIMEOUT_SECONDS)]
    with (
        running(worker, tf_config(cluster, "worker", 1), logs[1]) as second,
        running(chief, tf_config(cluster, "worker", 0), logs[0]) as first,
    ):
        codes = first.wait(), second.wait()

    chiefs, workers = (log.read_text(encoding="utf-8") for log in logs)
    assert codes == (0, 0), f"{chiefs}\n{workers}"
    assert json.loads(chiefs.splitlines()[-1])["sum"] == 6
    assert workers.count("waiting for the chief") == 1
    assert "Epoch 2/2" in workers
    assert [path.parent.name for path in output.rglob("saved_model.pb")].count(SERVING_FORM) == 1
    assert list(checkpoints.iterdir()) == []
