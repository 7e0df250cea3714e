"""One of a cluster's workers that is not the chief: waits for the chief's training, and trains along.

The output folder must be one that all machines see, at the same path, such as a shared file system: the chief lays its
job out there, and the job names its files by their paths. A worker may be started before the chief or after it, and is
started anew for each training.

A killed chief leaves its job behind. So a job counts only while the chief of TF_CONFIG listens at its address: it
replaces the job before it begins to listen, and listens until all workers have joined.
"""

import argparse
import json
import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# TensorFlow reads this when it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from models.entrypoints.trainer import job_file
from models.entrypoints.worker_task import do_task
from models.training.strategies import chief_address, names_chief, read_tf_config
from schema.errors import InputError, PipelineError

_POLL_SECONDS = 1.0
_CONNECT_SECONDS = 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Waits and trains; returns the exit code: 0 trained, 2 bad input or no chief in time, 130 interrupted."""
    chosen = _options(arguments)
    try:
        config = _workers_config(chosen.output)
        file = job_file(chosen.output.absolute() / "cache" / "checkpoints")
        do_task(SimpleNamespace(**wait_for_job(file, config, chosen.patience)))
    except PipelineError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    return 0


def wait_for_job(file: Path, config: Mapping[str, Any], patience: float) -> dict[str, Any]:
    """What the chief's run_fn is called with, as soon as it listens at its address and has laid that out in the file.

    Args:
        file: see models.entrypoints.trainer.job_file.
        config: this worker's TF_CONFIG.
        patience: seconds to wait.

    Raises:
        InputError: if that takes longer, or the chief's cluster is another than this worker's.
    """
    chief = chief_address(config)
    sys.stderr.write(f"waiting for the chief at {chief} to begin a training, and for {file}\n")
    end = time.monotonic() + patience
    while True:
        # In this order: what lies there while the chief listens is its own.
        job = _read(file) if _listens(chief) else None
        if job is not None:
            break
        if time.monotonic() >= end:
            raise InputError(
                f"--patience {patience:g}: no chief at {chief} began a training in that time, with {file} in its "
                "output folder. Start it, with the same --output on a disk that all machines see, or wait longer."
            )
        time.sleep(_POLL_SECONDS)
    if job["cluster"] != config["cluster"]:
        raise InputError(
            f"TF_CONFIG: expected the chief's cluster, {json.dumps(job['cluster'])}. "
            f"Received: {json.dumps(config['cluster'])}"
        )
    return dict(job["fn_args"])


def _workers_config(output: Path) -> dict[str, Any]:
    config = read_tf_config()
    if names_chief(config):
        raise InputError(
            "TF_CONFIG: this process is the cluster's chief, which runs the pipeline: `python run_local.py --output "
            f"{output} --only Trainer --set training.strategy=multi_worker_mirrored`. Received: task "
            f"{json.dumps(config['task'])}"
        )
    return config


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS):
            return True
    except OSError:
        return False
    except ValueError:
        raise InputError(f"TF_CONFIG: expected host:port of the chief. Received: {address!r}") from None


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m models.entrypoints.worker", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--output", type=Path, default=Path("output"), help="the chief's; all machines must see it")
    parser.add_argument("--patience", type=float, default=3600.0, metavar="SECONDS", help="how long to wait for it")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
