"""One run's hold on the output folder: its lock, its folder, its log and the terminal."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from pipeline.config.metadata import METADATA_FILE
from pipeline.config.pipeline_config import Config
from pipeline.process.output_redirect import captured
from reports.runs.run_record import RunRecord, write_record
from reports.runs.stored_runs import RECORD
from schema.durable import put_link
from schema.errors import InputError
from schema.lock_file import open_lock


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


def begun_record(config: Config, session: Session) -> RunRecord:
    """The record of a run of which nothing is known yet."""
    return RunRecord(
        run_id=session.run_id,
        status="failed",
        problem=config.name,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        window=str(config.window),
    )


@contextmanager
def recorded_interruption(config: Config, session: Session, began: float) -> Iterator[None]:
    """Writes the record of a run that is interrupted before its first node or after its last.

    Args:
        config: what runs.
        session: the run.
        began: the time.monotonic() at which the process began.
    """
    try:
        yield
    except KeyboardInterrupt:
        if not (session.folder / RECORD).is_file():
            record = replace(begun_record(config, session), status="interrupted", seconds=time.monotonic() - began)
            write_record(record, session.folder)
        raise


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """Holds the output folder for this process.

    Raises:
        InputError: if it cannot be written or is held by another run.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        stream = open_lock(output / ".lock")
    except OSError as error:
        raise InputError(f"--output {output}: cannot be written: {_why(error)}") from None
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(
                f"--output {output}: another run is using it. Wait for it, or name another folder."
            ) from None
        yield


def _why(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return f"{error.filename} is a symbolic link, and may lead anywhere. Remove it"
    return str(error.strerror)


def make_private(config: Config) -> None:
    """Makes the cache and the file of the metadata, where they are not there yet, for this user alone.

    They hold the raw data's values. What is there already keeps its mode, so that a folder may be opened to a group.
    """
    config.cache.mkdir(mode=0o700, exist_ok=True)
    if not config.environment.metadata.is_server:
        # SQLite takes an empty file for a new store.
        (config.output / METADATA_FILE).touch(mode=0o600)


def is_held(output: Path) -> bool:
    """Whether another process holds the output folder at this moment."""
    try:
        descriptor = os.open(output / ".lock", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as stream:
        try:
            # Shared, so that two who ask do not take each other for a run; it is given back at once.
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


def _point_latest(folder: Path) -> None:
    put_link(folder.name, folder.parent / "latest")
