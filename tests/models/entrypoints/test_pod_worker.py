"""A pod that trains along: which worker it is, whom it waits for, and what it leaves when it cannot."""

import json
from pathlib import Path

import pytest

from models.entrypoints.pod_worker import INDEX, await_names, fault_file, main, tf_config, unknown_hosts
from models.entrypoints.worker_error import Ended, read_fault
from schema.errors import InputError

TWO = ["train-1-node-0-0.train-1:2222", "train-1-node-0-1.train-1:2222"]


def test_a_pods_index_is_its_task() -> None:
    assert tf_config(TWO, "1") == {"cluster": {"worker": TWO}, "task": {"type": "worker", "index": 1}}


@pytest.mark.parametrize("index", ["", "2", "-1", "first"])
def test_an_index_of_no_worker_is_refused(index: str) -> None:
    with pytest.raises(InputError, match=rf"JOB_COMPLETION_INDEX: expected a number below 2, .* Received: '{index}'"):
        tf_config(TWO, index)


def test_pods_that_never_come_are_named() -> None:
    with pytest.raises(InputError) as caught:
        await_names(["localhost:1", "train-1-node-0-1.invalid:1"], patience=0)
    assert str(caught.value) == (
        "--patience 0: no pod by the name of train-1-node-0-1.invalid in that time. Has the cluster room for all "
        "workers at once?"
    )


def test_hosts_are_known_by_name_or_by_number() -> None:
    assert unknown_hosts(["localhost:1", "127.0.0.1:2", "pod.invalid:3"]) == ["pod.invalid"]


def test_without_the_volume_it_says_so_and_leaves_that_beside_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(INDEX, "1")
    monkeypatch.setenv("TF_CONFIG", "")
    job = tmp_path / "job.json"

    assert main(["--job", str(job), "--workers", "localhost:1,localhost:2", "--patience", "0"]) == 2

    told = f"--job {job}: not found. The pods of a TrainJob need the volume of the pipeline's nodes, at the same path"
    assert told in capsys.readouterr().err
    assert read_fault(fault_file(job, "1"), 1) == Ended(1, 2, "InputError", told)


def test_an_unknown_index_is_left_beside_the_job_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(INDEX, raising=False)
    (tmp_path / "job.json").write_text(json.dumps({}), encoding="utf-8")

    assert main(["--job", str(tmp_path / "job.json"), "--workers", "a:1"]) == 2
    assert (tmp_path / "fault-.json").is_file()
