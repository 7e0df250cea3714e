"""One worker of a TrainJob, which is a pod: knows by its index in the job which of the workers it is, and trains.

Kubernetes numbers the pods of an Indexed Job in JOB_COMPLETION_INDEX. The job's file, on a volume that all of them
mount, says what to train on; a worker that fails says why in a file beside it (see `fault_file`).
"""

import argparse
import json
import logging
import os
import socket
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# TensorFlow reads this when it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from models.entrypoints.worker_error import write_fault
from models.entrypoints.worker_task import do_task
from schema.errors import InputError

INDEX = "JOB_COMPLETION_INDEX"
_POLL_SECONDS = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains; returns the exit code: 0 trained, that of a PipelineError, or 70."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    chosen = _options(arguments)
    workers = chosen.workers.split(",")
    # Named before anything can fail, since the file is.
    index = os.environ.get(INDEX, "")
    try:
        os.environ["TF_CONFIG"] = json.dumps(tf_config(workers, index))
        await_names(workers, chosen.patience)
        do_task(SimpleNamespace(**read_job(chosen.job)))
    except Exception as error:  # noqa: BLE001 (whatever it is, the pipeline's Trainer is told)
        traceback.print_exc()
        return write_fault(fault_file(chosen.job, index), error)
    return 0


def tf_config(workers: Sequence[str], index: str) -> dict[str, Any]:
    """TF_CONFIG of the worker with this index, given the host:port of each.

    Raises:
        InputError: if no worker has this index.
    """
    if not index.isdecimal() or int(index) >= len(workers):
        raise InputError(
            f"{INDEX}: expected a number below {len(workers)}, as Kubernetes sets it in the pods of an Indexed Job. "
            f"Received: {index!r}"
        )
    return {"cluster": {"worker": list(workers)}, "task": {"type": "worker", "index": int(index)}}


def await_names(workers: Sequence[str], patience: float) -> None:
    """Waits until the name of each worker's host is known: a pod has one once it is placed on a machine.

    Args:
        workers: host:port of each.
        patience: seconds to wait.

    Raises:
        InputError: naming the hosts that are not known by then.
    """
    end = time.monotonic() + patience
    while unknown := unknown_hosts(workers):
        if time.monotonic() >= end:
            raise InputError(
                f"--patience {patience:g}: no pod by the name of {', '.join(unknown)} in that time. Has the cluster "
                "room for all workers at once?"
            )
        time.sleep(_POLL_SECONDS)


def unknown_hosts(workers: Sequence[str]) -> list[str]:
    """Those hosts of the workers, given as host:port, that no name server knows."""
    hosts = [address.rpartition(":")[0] for address in workers]
    return [host for host in hosts if not _known(host)]


def read_job(file: Path) -> Mapping[str, Any]:
    """What to call `do_task` with.

    Raises:
        InputError: if the file is not there, where no volume is mounted.
    """
    try:
        found: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"--job {file}: not found. The pods of a TrainJob need the volume of the pipeline's nodes, at the same path"
        ) from None
    return found


def fault_file(job: Path, index: str) -> Path:
    """Where the worker of this index says why it failed."""
    return job.with_name(f"fault-{index}.json")


def _known(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except socket.gaierror:
        return False
    return True


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m models.entrypoints.pod_worker", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--job", type=Path, required=True, help="file of the training's arguments")
    parser.add_argument("--workers", required=True, metavar="HOST:PORT,...", help="addresses of all, by index")
    parser.add_argument("--patience", type=float, default=1800.0, metavar="SECONDS", help="how long to wait for them")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
