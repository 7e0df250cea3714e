"""A cluster of machines that one is gone from: what is left ends with a sentence, in seconds, rather than wait."""

import json
import signal
import time
from pathlib import Path

import pytest

from models.training.training_options import Training
from tests.models.entrypoints.test_worker import TIMEOUT_SECONDS, running, silent, tf_config
from tests.models.training_case import bound_problem, fn_args, write_examples


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["chief", "worker"])
def test_whoever_is_left_ends_and_says_why(lost: str, transform_graph: Path, tmp_path: Path) -> None:
    output, cluster = tmp_path / "output", {"worker": silent(2)}
    examples = write_examples(tmp_path / "examples", train_rows=1600)
    options = Training(strategy="multi_worker_mirrored")
    values = fn_args(output / "model", examples, transform_graph, bound_problem(epochs=10_000), options)
    values["custom_config"]["checkpoints"] = str(output / "cache" / "checkpoints")
    file = tmp_path / "arguments.json"
    file.write_text(json.dumps(values), encoding="utf-8")
    logs = {name: tmp_path / f"{name}.log" for name in ("chief", "worker")}

    with (
        running(
            ["models.entrypoints.worker", "--output", str(output), "--patience", str(TIMEOUT_SECONDS)],
            tf_config(cluster, "worker", 1),
            logs["worker"],
        ) as worker,
        running(
            ["tests.models.training_script", "chief", str(file)], tf_config(cluster, "worker", 0), logs["chief"]
        ) as chief,
    ):
        processes = {"chief": chief, "worker": worker}
        left = "worker" if lost == "chief" else "chief"
        # An epoch has ended, so that there is a checkpoint.
        while "Epoch 2/" not in logs["worker"].read_text(encoding="utf-8") and worker.poll() is None:
            time.sleep(0.05)
        processes[lost].send_signal(signal.SIGKILL)
        code = processes[left].wait()

    # Not by the watchdog, which kills.
    said = logs[left].read_text(encoding="utf-8")
    assert code == 1, said
    assert "training: another worker of the cluster is gone: " in said
    assert "Start all workers again: training goes on after its last finished epoch." in said
    assert list((output / "cache" / "checkpoints").glob("*/checkpoint"))
