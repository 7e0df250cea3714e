"""The metadata store in the output folder, looked at before ML Metadata opens it."""

import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

from pipeline.config.metadata import METADATA_FILE
from schema.errors import DamagedFileError

# Beside the file: what a run that was killed has not finished writing. Without its file it would spoil the next.
_WITH_IT = (METADATA_FILE, *(f"{METADATA_FILE}-{part}" for part in ("journal", "wal", "shm")), "artifacts")
# For another process that writes to it.
_WAIT_SECONDS = 0.5


def check_file(path: Path) -> None:
    """Returns if the file is a whole SQLite database, or is not there: then a run makes it.

    ML Metadata would try a damaged one again for ten seconds, and then say what SQLite says.

    Raises:
        DamagedFileError: with what is wrong, what is safe, and the command that starts anew.
    """
    if not path.is_file():
        return
    fault = _fault(path)
    if fault is not None:
        output = path.parent
        raise DamagedFileError(
            f"{path}: damaged: {fault}. Released versions and the cache are safe: neither needs it. To start anew, "
            f"the first run without a baseline, put it aside with the artifacts that it numbers, and run again:\n"
            f"  {_put_aside(output)}"
        )


def _fault(path: Path) -> str | None:
    if path.stat().st_size == 0 and (path.parent / "artifacts").is_dir():
        # SQLite takes it for a new one, which would number its artifacts like those that are there.
        return "it is empty"
    # To be written, so that what a killed run left in the journal is undone first.
    uri = f"{path.absolute().as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(uri, timeout=_WAIT_SECONDS, uri=True)) as connection:
            [(said,)] = connection.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.OperationalError:
        # Another process holds it, or it may not be written: neither is damage, and whoever opens it says so.
        return None
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if said == "ok" else " ".join(str(said).split())


def _put_aside(output: Path) -> str:
    names = (f"damaged{'-' * bool(number)}{number or ''}" for number in range(1000))
    aside = next(output / name for name in names if not (output / name).exists())
    moved = [output / name for name in _WITH_IT if (output / name).exists()]
    return f"mkdir {shlex.quote(str(aside))} && mv {shlex.join(str(path) for path in [*moved, aside])}"
