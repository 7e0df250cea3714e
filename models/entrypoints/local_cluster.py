"""Workers that are processes of this machine: started, listened to, and started again when one of them dies."""

import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.entrypoints.worker_error import Ended, read_fault
from models.training.strategies import AddressInUseError
from models.training.training_options import Training
from schema.child import child_command
from schema.errors import InputError, PipelineError

# Of attempts in a row: between the choice of a port and its use somebody else may take it.
_MOST_CLASHES = 5
_POLL_SECONDS = 0.1
_LOG = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parents[2]


def train_in_processes(
    fn_args: Mapping[str, Any], options: Training, ports: Callable[[int], Sequence[int]] | None = None
) -> None:
    """Trains with `options.local_workers` processes; a training that a worker dies in begins again at its checkpoint.

    Args:
        fn_args: what run_fn reads, see models.entrypoints.training_job.
        options: how many workers, and how often they may be started again.
        ports: chooses as many ports of the loopback device for them; free ones, when left out.

    Raises:
        PipelineError: of the kind and with the message of the worker's own; or naming the worker that died, once it
            was restarted as often as may be.
    """
    count, restarts, clashes = options.local_workers, 0, 0
    while True:
        failed = _attempt(fn_args, count, (ports or free_ports)(count))
        if failed is None:
            return
        if failed.error == AddressInUseError.__name__:
            clashes += 1
            if clashes > _MOST_CLASHES:
                raise InputError(failed.told)
            _LOG.warning("training: %s; other ports are tried", failed.told)
            continue
        if failed.mendable:
            raise failed.mendable(failed.told)
        if restarts == options.restarts:
            raise PipelineError(
                f"training: {failed}, after {restarts} restarts (training.restarts). What its last checkpoint holds is "
                "kept: the same command goes on from there."
            )
        restarts += 1
        _LOG.warning(
            "training: %s; all %d workers start again from the last checkpoint, restart %d of %d",
            failed,
            count,
            restarts,
            options.restarts,
        )


def free_ports(count: int) -> list[int]:
    """Ports of the loopback device that nobody listens on now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(each.getsockname()[1]) for each in sockets]


def threads_each(workers: int) -> int:
    """Cores that each of so many workers may compute on."""
    return max(1, len(os.sched_getaffinity(0)) // workers)


def _attempt(fn_args: Mapping[str, Any], count: int, ports: Sequence[int]) -> Ended | None:
    """Starts the workers and waits for them; none is left when it returns: the end that says why it failed, if any."""
    addresses = [f"127.0.0.1:{port}" for port in ports]
    with tempfile.TemporaryDirectory(prefix="workers-") as folder, ExitStack() as stack:
        job = {"fn_args": dict(fn_args), "threads": threads_each(count)}
        workers = []
        for index in range(count):
            task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            fault = Path(folder) / f"{index}.json"
            workers.append(stack.enter_context(_started(index, task, {**job, "fault": str(fault)}, fault)))
        _LOG.info("training: workers %s, process ids %s", ", ".join(addresses), [one.process.pid for one in workers])
        while True:
            codes = [worker.process.poll() for worker in workers]
            if any(codes):
                failed = [worker for worker, code in zip(workers, codes, strict=True) if code]
                return min((worker.end() for worker in failed), key=lambda ended: ended.rank)
            if not any(code is None for code in codes):
                return None
            time.sleep(_POLL_SECONDS)


@dataclass
class _Worker:
    """A worker's process, the thread that copies what it prints, and the file in which it says why it failed."""

    index: int
    process: subprocess.Popen[str]
    fault: Path
    last_line: str = ""

    def __post_init__(self) -> None:
        self.copier = threading.Thread(target=self.copy, name=f"worker-{self.index}", daemon=True)

    def copy(self) -> None:
        """Writes each line that the worker prints into this process's log, behind its name."""
        for line in self.process.stdout or ():
            self.last_line = line.strip() or self.last_line
            sys.stderr.write(f"[worker {self.index}] {line.rstrip()}\n")
            sys.stderr.flush()

    def end(self) -> Ended:
        """What became of it, once it has ended."""
        self.copier.join()
        return read_fault(self.fault, self.index) or Ended(self.index, self.process.returncode, told=self.last_line)


@contextmanager
def _started(index: int, task: Mapping[str, Any], job: Mapping[str, Any], fault: Path) -> Iterator[_Worker]:
    """The worker, as long as it is open; after that it is gone."""
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    with subprocess.Popen(
        child_command("models.entrypoints.local_worker", options=["-u"]),
        env={**os.environ, "TF_CONFIG": json.dumps(task), "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        # Ctrl-C is for the process that the terminal knows, which ends the workers.
        start_new_session=True,
    ) as process:
        worker = _Worker(index, process, fault)
        worker.copier.start()
        try:
            _send(process, job)
            yield worker
        finally:
            process.kill()
            process.wait()
            worker.copier.join()


def _send(process: subprocess.Popen[str], job: Mapping[str, Any]) -> None:
    """Hands the job over."""
    if process.stdin is None:
        raise ValueError("expected a process with a pipe to its stdin")
    try:
        process.stdin.write(f"{json.dumps(job)}\n")
        process.stdin.flush()
    except BrokenPipeError:
        # It has ended already; its exit code says so.
        return
