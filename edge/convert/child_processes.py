"""Child processes that do not outlive the block they are started in."""

import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from threading import Lock
from types import TracebackType
from typing import Self

from schema.errors import PipelineError

_PROJECT = Path(__file__).resolve().parents[2]


class Children:
    """Runs child processes, from any number of threads; what still runs when the block is left is killed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._lock = Lock()
        self._running: set[Popen[str]] = set()
        self._closed = False

    def __enter__(self) -> Self:
        """Begins the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kills what runs, and refuses to start more."""
        with self._lock:
            self._closed = True
            for child in self._running:
                child.kill()

    def run(self, command: Sequence[str], ready: Callable[[], object] | None = None) -> tuple[int, str]:
        """Runs a command to its end; its stdin stays open for as long as this process lives.

        Args:
            command: program and arguments.
            ready: waits for what the child needs later, which is then told by a line on its stdin.

        Returns:
            Its exit code, negative for a signal, and what it wrote to stderr.

        Raises:
            KeyboardInterrupt: if the child was interrupted, as a terminal does to parent and children alike.
            PipelineError: if the block has been left.
        """
        child = self._start(command)
        try:
            if ready:
                ready()
                _tell(child)
            told = child.stderr.read() if child.stderr else ""
            child.wait()
        finally:
            child.kill()
            child.wait()
            with self._lock:
                self._running.discard(child)
            for pipe in (child.stdin, child.stderr):
                if pipe:
                    # What could not be written to a child that has gone need not be.
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
        if child.returncode == -signal.SIGINT:
            raise KeyboardInterrupt
        return child.returncode, told

    def _start(self, command: Sequence[str]) -> "Popen[str]":
        with self._lock:
            if self._closed:
                raise PipelineError(f"{command[0]}: not started, since what asked for it has ended")
            child = Popen(
                command,
                env=dict(self._environment),
                stdin=PIPE,
                stdout=DEVNULL,
                stderr=PIPE,
                text=True,
                errors="replace",
            )
            self._running.add(child)
            return child


def _tell(child: "Popen[str]") -> None:
    # A child that has ended already is read and judged by the caller.
    with contextlib.suppress(BrokenPipeError):
        if child.stdin:
            child.stdin.write("\n")
            child.stdin.flush()


def environment() -> dict[str, str]:
    """This process's environment for one that converts: the project is importable there, and TensorFlow quiet."""
    paths = [str(_PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    # Conversion needs no accelerator, and taking one would take it from the trainer.
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
    }
