"""Runs as their folders tell of them: `run.json` and `config.json`, whole, half-written or from an older version."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reports.runs.run_record import RunRecord
from schema.closed import nearest
from schema.errors import InputError

RECORD = "run.json"
CONFIG = "config.json"
LATEST = "latest"
_RUN_ID = "%Y%m%dT%H%M%S-%f"
_RECORDS = TypeAdapter(RunRecord)


class State(StrEnum):
    """What a run's folder says of it."""

    RECORDED = "recorded"
    UNDER_WAY = "under way"
    CUT_OFF = "cut off"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class StoredRun:
    """One run's folder.

    Attributes:
        number: 1 for the newest run of the output folder.
        run_id: the folder's name.
        folder: the folder.
        state: whether there is a record.
        record: what `run.json` says; empty unless the state is RECORDED.
        config: what `config.json` says; empty if there is none, or it is not readable.
        fault: what is wrong with `run.json`.
    """

    number: int
    run_id: str
    folder: Path
    state: State
    record: RunRecord
    config: dict[str, Any] = field(default_factory=dict)
    fault: str = ""

    @property
    def problem(self) -> str:
        """The pipeline's name; empty where nothing tells it."""
        if self.record.problem:
            return self.record.problem
        if self.record.pushed:
            return Path(self.record.pushed.get("path", "")).parent.name
        name = str(section(self.config, "problem").get("name", ""))
        return f"{name}_quick" if name and self.config.get("sample_rows") is not None else name

    @property
    def moment(self) -> datetime | None:
        """When it began, in UTC; None if neither its name nor its record tells."""
        for told, read in ((self.run_id, _named_moment), (self.record.started, datetime.fromisoformat)):
            try:
                return read(told).astimezone(UTC)
            except ValueError:
                continue
        return None

    @property
    def window(self) -> str:
        """Its spans, as `--span-window` takes them."""
        known = self.state is State.RECORDED
        return self.record.window if known else str(self.config.get("window", ""))

    @property
    def version(self) -> str:
        """The version that it pushed, or found pushed; empty without one."""
        return (self.record.pushed or {}).get("version", "")


def _named_moment(run_id: str) -> datetime:
    return datetime.strptime(run_id, _RUN_ID).replace(tzinfo=UTC)


def section(config: dict[str, Any], name: str) -> dict[str, Any]:
    """A section of a run's config; empty if it is not there."""
    found = config.get(name)
    return found if isinstance(found, dict) else {}


def read_runs(runs: Path, *, held: bool) -> list[StoredRun]:
    """The runs below a folder, newest first.

    Args:
        runs: `runs` of an output folder; it need not be there.
        held: whether a run holds the output folder now: the newest one, then, is under way if it has no record.
    """
    if not runs.is_dir():
        return []
    folders = [path for path in runs.iterdir() if path.is_dir() and not path.is_symlink() and path.name[0] != "."]
    newest_first = sorted(folders, key=lambda path: path.name, reverse=True)
    return [
        _read(number, folder, under_way=held and number == 1) for number, folder in enumerate(newest_first, start=1)
    ]


def _read(number: int, folder: Path, *, under_way: bool) -> StoredRun:
    config = _config(folder / CONFIG)
    empty = RunRecord(run_id=folder.name, status="")
    try:
        values = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        record = _RECORDS.validate_python(_with_nan(values))
    except FileNotFoundError:
        state = State.UNDER_WAY if under_way else State.CUT_OFF
        return StoredRun(number, folder.name, folder, state, empty, config)
    except OSError as error:
        return StoredRun(number, folder.name, folder, State.UNREADABLE, empty, config, str(error.strerror))
    except ValidationError as error:
        return StoredRun(number, folder.name, folder, State.UNREADABLE, empty, config, misfit(error))
    except ValueError as error:
        return StoredRun(number, folder.name, folder, State.UNREADABLE, empty, config, f"not JSON: {error}")
    return StoredRun(number, folder.name, folder, State.RECORDED, record, config)


def misfit(error: ValidationError) -> str:
    """The first key of a JSON document that is not as it should be, and why."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"key '{where}': {first['msg']}" if where else str(first["msg"])


def _with_nan(values: Any) -> Any:
    """The record's values, with NaN again where JSON had to have null for a metric."""
    metrics = values.get("metrics") if isinstance(values, dict) else None
    if not isinstance(metrics, dict):
        return values
    return {**values, "metrics": {model: _numbers(found) for model, found in metrics.items()}}


def _numbers(found: Any) -> Any:
    if not isinstance(found, dict):
        return found
    return {name: math.nan if value is None else value for name, value in found.items()}


def _config(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # It adds to the record; without it there is less to show, and who reads it says so.
        return {}
    return found if isinstance(found, dict) else {}


def find_run(runs: Sequence[StoredRun], name: str, suits: Callable[[StoredRun], bool] = lambda _: True) -> StoredRun:
    """The run of a number, an id, the beginning of one id, or `latest`.

    Args:
        runs: the newest first.
        name: which of them.
        suits: what `latest` looks for: the newest such run, or the newest of all where there is none.

    Raises:
        InputError: if there is none, or several begin so.
    """
    if not runs:
        raise InputError(f"no run '{name}': there is no run in this output folder")
    if name == LATEST:
        return next(filter(suits, runs), runs[0])
    if name.isascii() and name.isdigit() and int(name) <= len(runs) and int(name) > 0:
        return runs[int(name) - 1]
    found = [run for run in runs if run.run_id == name] or [run for run in runs if run.run_id.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"'{name}' begins the ids of {len(found)} runs: {', '.join(run.run_id for run in found[:4])}")
    raise InputError(
        f"no run '{name}': expected a number from 1, the newest, to {len(runs)}, the id of a run or its beginning, or "
        f"{LATEST}.{nearest(name, [run.run_id for run in runs], called='Runs')}"
    )
