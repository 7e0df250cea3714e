"""Workers of this machine: they train as one process does, survive the death of one, and leave nobody behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from models.entrypoints import local_cluster
from models.entrypoints.local_cluster import free_ports, threads_each, train_in_processes
from models.entrypoints.trainer import checkpoint_folder, run_fn
from models.entrypoints.worker_error import Ended, read_fault, write_fault
from models.training.training_options import Training
from pipeline.process.process_tree import descendants
from schema.errors import InputError, PipelineError
from schema.row_ledger import read_counts
from schema.signatures import SERVING_FORM, WEIGHTS
from tests.models.training_case import bound_problem, fn_args, rows, write_examples, write_shards

ROOT = Path(__file__).resolve().parents[3]
TIMEOUT_SECONDS = 120
TWO = Training(strategy="multi_worker_mirrored", local_workers=2)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,600 training rows: epochs of 100 steps of two workers, time enough to kill one of them."""
    return write_examples(tmp_path_factory.mktemp("many"), train_rows=1600)


def arguments(folder: Path, examples: Path, graph: Path, options: Training = TWO, **network: Any) -> dict[str, Any]:
    """What TFX hands to run_fn."""
    return fn_args(folder, examples, graph, bound_problem(**network), options)


def trained(values: dict[str, Any]) -> Path:
    """The folder of what run_fn wrote."""
    run_fn(SimpleNamespace(**values))
    return Path(values["serving_model_dir"]).parent


def weights(model: Path) -> dict[str, Any]:
    """The exported weights by name."""
    with np.load(model / WEIGHTS) as saved:
        return {name: values for name, values in saved.items() if name != "layout"}


@contextmanager
def killing(found: Callable[[], int | None]) -> Iterator[list[int]]:
    """Sends SIGKILL to the process that `found` names, as soon as it names one; yields those that were killed."""
    killed: list[int] = []
    over = threading.Event()

    def work() -> None:
        while not killed and not over.wait(0.02):
            pid = found()
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def workers_of(pids: list[int]) -> dict[int, int]:
    """Ids of those that are workers, by the index in their TF_CONFIG."""
    found = {}
    for pid in pids:
        try:
            entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        config = next((entry for entry in entries if entry.startswith(b"TF_CONFIG=")), None)
        if config and b"models.entrypoints.local_worker" in command:
            found[json.loads(config.partition(b"=")[2])["task"]["index"]] = pid
    return found


def in_epoch(text: Callable[[], str], epoch: str, index: int) -> Callable[[], int | None]:
    """Names the worker of an index as soon as the log says that the epoch has begun."""
    return lambda: workers_of(descendants()).get(index) if epoch in text() else None


@contextmanager
def logged(file: Path) -> Iterator[Callable[[], str]]:
    """Sends stderr to the file; yields a function that gives what was written so far."""
    with file.open("w", encoding="utf-8") as stream, redirect_stderr(stream):
        yield lambda: file.read_text(encoding="utf-8")


@pytest.mark.parametrize("options", [{"local_workers": 2}, {"workers": 3}])
def test_workers_need_the_strategy_of_several(options: dict[str, int]) -> None:
    (key, count) = next(iter(options.items()))
    with pytest.raises(InputError, match=rf"{key} {count}: .* multi_worker_mirrored only\. Received: strategy none"):
        Training.from_mapping(options, "environment")


def test_workers_are_processes_or_machines() -> None:
    given = {"strategy": "multi_worker_mirrored", "local_workers": 2, "workers": 3}
    with pytest.raises(InputError, match=r"choose one of the two\. Received: local_workers 2 and workers 3"):
        Training.from_mapping(given, "environment")


def test_cores_are_shared_and_nobody_is_left_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert [threads_each(count) for count in (1, 2, 3, 8, 9)] == [8, 4, 2, 1, 1]


def test_free_ports_differ_and_can_be_listened_at() -> None:
    ports = free_ports(3)
    assert len(set(ports)) == 3
    for port in ports:
        socket.create_server(("127.0.0.1", port)).close()


def test_why_a_training_ended_is_told_by_who_knows_it() -> None:
    ends = [
        Ended(0, 1, "WorkerLostError", "another worker of the cluster is gone"),
        Ended(1, 70, "TypeError", "TypeError: no"),
        Ended(2, -9),
        Ended(3, 2, "InputError", "no rows"),
    ]
    assert [each.index for each in sorted(ends, key=lambda ended: ended.rank)] == [3, 2, 1, 0]
    assert [each.mendable for each in ends] == [None, None, None, InputError]
    assert [str(each) for each in ends[1:3]] == [
        "worker 1 ended with code 70: TypeError: no",
        "worker 2 was killed by SIGKILL",
    ]


def test_what_a_worker_wrote_of_its_error_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "0.json"
    assert read_fault(file, 0) is None
    assert write_fault(file, InputError("no rows\nin two lines")) == 2
    assert read_fault(file, 3) == Ended(3, 2, "InputError", "no rows\nin two lines")
    assert write_fault(file, ZeroDivisionError("by\nnought")) == 70
    assert read_fault(file, 3) == Ended(3, 70, "ZeroDivisionError", "ZeroDivisionError: by\nnought")


def test_how_often_it_may_restart_makes_no_other_training(examples: Path, tmp_path: Path) -> None:
    folders = {
        checkpoint_folder(SimpleNamespace(**arguments(tmp_path, examples, tmp_path, options)))
        for options in (TWO, TWO.model_copy(update={"restarts": 9}))
    }
    assert len(folders) == 1


@pytest.mark.slow
def test_two_workers_train_as_one_process_of_the_same_global_batch(
    examples: Path, transform_graph: Path, tmp_path: Path
) -> None:
    # A batch of all 64 rows: which of them a worker has makes no difference.
    with logged(tmp_path / "log") as log:
        two = trained(arguments(tmp_path / "two", examples, transform_graph, batch_size=32))
    one = trained(arguments(tmp_path / "one", examples, transform_graph, Training(), batch_size=64))

    assert weights(two).keys() == weights(one).keys()
    for name, values in weights(one).items():
        np.testing.assert_allclose(weights(two)[name], values, rtol=1e-4, atol=1e-5)
    assert (two / SERVING_FORM / "saved_model.pb").is_file()
    assert not list((tmp_path / "two" / "checkpoints").iterdir())
    assert {"[worker 0] Epoch 2/2", "[worker 1] Epoch 2/2"} <= set(log().splitlines())
    assert descendants() == []
    # Of both workers together.
    assert [(count.split, count.rows) for count in read_counts(tmp_path / "two" / "run")] == [
        ("train", 64),
        ("eval", 21),
    ]


@pytest.mark.slow
def test_a_killed_worker_costs_no_more_than_its_epoch(
    many: Path, transform_graph: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    unbroken = trained(arguments(tmp_path / "unbroken", many, transform_graph, epochs=3, averaging=0.9))

    with logged(tmp_path / "log") as log, killing(in_epoch(log, "[worker 0] Epoch 3/3", index=1)) as killed:
        broken = trained(arguments(tmp_path / "broken", many, transform_graph, epochs=3, averaging=0.9))

    assert len(killed) == 1
    assert (
        "training: worker 1 was killed by SIGKILL; all 2 workers start again from the last checkpoint, restart 1 of 2"
        in caplog.messages
    )
    assert [log().count(f"[worker 0] Epoch {epoch}/3") for epoch in (1, 2, 3)] == [1, 1, 2]
    for name, values in weights(unbroken).items():
        np.testing.assert_allclose(weights(broken)[name], values, rtol=1e-5, atol=1e-6)
    assert descendants() == []


@pytest.mark.slow
def test_a_chief_that_dies_as_often_as_it_is_started_is_given_up_and_its_checkpoint_kept(
    many: Path, transform_graph: Path, tmp_path: Path
) -> None:
    options = TWO.model_copy(update={"restarts": 0})
    values = arguments(tmp_path, many, transform_graph, options, epochs=50)

    with (
        logged(tmp_path / "log") as log,
        killing(in_epoch(log, "[worker 0] Epoch 2/50", index=0)),
        pytest.raises(PipelineError) as caught,
    ):
        run_fn(SimpleNamespace(**values))

    assert str(caught.value) == (
        "training: worker 0 was killed by SIGKILL, after 0 restarts (training.restarts). What its last checkpoint "
        "holds is kept: the same command goes on from there."
    )
    assert list(checkpoint_folder(SimpleNamespace(**values)).glob("checkpoint"))
    assert descendants() == []


@pytest.mark.slow
def test_a_taken_port_is_another_attempt_and_no_restart(
    examples: Path, transform_graph: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values = arguments(tmp_path, examples, transform_graph, TWO.model_copy(update={"restarts": 0}))
    with socket.create_server(("", 0)) as server:
        taken = server.getsockname()[1]
        asked: list[int] = []

        def ports(count: int) -> list[int]:
            asked.append(count)
            free = free_ports(count)
            return [free[0], taken] if len(asked) == 1 else free

        train_in_processes(values, Training.model_validate_json(values["custom_config"]["training"]), ports)

    assert asked == [2, 2]
    assert f"the port of this process's address, 127.0.0.1:{taken}, is taken" in caplog.text
    assert (Path(values["serving_model_dir"]) / "saved_model.pb").is_file()


@pytest.mark.slow
def test_what_a_person_has_to_mend_is_told_as_by_one_process_and_not_tried_again(
    transform_graph: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_shards(tmp_path, "train", [rows(1)])
    write_shards(tmp_path, "eval", [rows(8)])

    with pytest.raises(InputError) as caught:
        run_fn(SimpleNamespace(**arguments(tmp_path, tmp_path, transform_graph)))

    assert str(caught.value) == "split 'train': expected a row for each of 2 replicas. Received: 1"
    assert "restart" not in caplog.text


@pytest.mark.slow
def test_an_unexpected_error_is_told_by_its_last_line(examples: Path, transform_graph: Path, tmp_path: Path) -> None:
    values = arguments(tmp_path, examples, transform_graph, TWO.model_copy(update={"restarts": 0}))
    Path(values["schema_file"]).unlink()

    with pytest.raises(PipelineError) as caught:
        run_fn(SimpleNamespace(**values))

    assert str(caught.value).startswith(
        "training: worker 0 ended with code 70: FileNotFoundError: [Errno 2] No such file or directory: "
        f"'{values['schema_file']}', after 0 restarts"
    )


# A process of its own that starts two workers.
STARTER = """
import json, sys
from pathlib import Path
from types import SimpleNamespace
from models.entrypoints.trainer import run_fn
run_fn(SimpleNamespace(**json.loads(Path(sys.argv[1]).read_text())))
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_its_starter_ends_no_worker_is_left(
    number: signal.Signals, many: Path, transform_graph: Path, tmp_path: Path
) -> None:
    file = tmp_path / "arguments.json"
    file.write_text(json.dumps(arguments(tmp_path, many, transform_graph, epochs=500)), encoding="utf-8")
    command = [sys.executable, "-c", STARTER, str(file)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as starter:
        watchdog = threading.Timer(TIMEOUT_SECONDS, starter.kill)
        watchdog.start()
        try:
            assert any("[worker 0] Epoch 1/500" in line for line in starter.stderr or ())
            workers = workers_of(descendants())
            assert sorted(workers) == [0, 1]
            starter.send_signal(number)
            for _ in starter.stderr or ():
                pass
            starter.wait()
        finally:
            watchdog.cancel()
            starter.kill()
    until = time.monotonic() + TIMEOUT_SECONDS
    while any(alive(pid) for pid in workers.values()) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [pid for pid in workers.values() if alive(pid)]


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and whom nobody has asked about yet does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def test_a_job_that_ends_at_once_is_no_broken_pipe() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ""], stdin=subprocess.PIPE, text=True, stdout=subprocess.DEVNULL
    ) as process:
        process.wait()
        local_cluster._send(process, {"fn_args": "x" * 100_000})
        assert process.returncode == 0
