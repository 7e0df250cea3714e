"""One run's hold on the output folder: its lock, its folder, its log and the terminal."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from pipeline.capture import captured
from schema.durable import put_link
from schema.errors import InputError


@dataclass(frozen=True)
class Session:
    """A run that has begun: its id, its folder, and the terminal that its summary goes to."""

    run_id: str
    folder: Path
    terminal: TextIO
    verbose: bool


@contextmanager
def open_session(output: Path, *, verbose: bool) -> Iterator[Session]:
    """Locks the output folder, makes the run's folder, and sends what libraries print to `run.log`.

    Raises:
        InputError: if the output folder cannot be written or another run uses it.
    """
    with locked(output):
        run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S-%f}"
        folder = output / "runs" / run_id
        try:
            folder.mkdir(parents=True)
            _point_latest(folder)
        except OSError as error:
            raise InputError(f"--output {output}: cannot be written: {error.filename}: {error.strerror}") from None
        with captured(folder / "run.log") as terminal:
            yield Session(run_id, folder, terminal, verbose)


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """Holds the output folder for this process.

    Raises:
        InputError: if it cannot be written or is held by another run.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        stream = (output / ".lock").open("w")
    except OSError as error:
        raise InputError(f"--output {output}: cannot be written: {error.strerror}") from None
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(
                f"--output {output}: another run is using it. Wait for it, or name another folder."
            ) from None
        yield


def is_held(output: Path) -> bool:
    """Whether another process holds the output folder at this moment."""
    try:
        stream = (output / ".lock").open("rb")
    except OSError:
        return False
    with stream:
        try:
            # Shared, so that two who ask do not take each other for a run; it is given back at once.
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


def _point_latest(folder: Path) -> None:
    put_link(folder.name, folder.parent / "latest")
