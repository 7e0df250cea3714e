"""Runs of literal records, as their folders would tell of them."""

from pathlib import Path
from typing import Any

from reports.runs.run_record import RunRecord
from reports.runs.stored_runs import State, StoredRun


def run(
    number: int, *, state: State = State.RECORDED, config: dict[str, Any] | None = None, **values: Any
) -> StoredRun:
    """The run of a number; the lower, the later it began."""
    run_id = f"20130{10 - number}01T120530-000000"
    record = RunRecord(**{"run_id": run_id, "status": "finished", "problem": "flights", "seconds": 41.6, **values})
    fault = "not JSON: line 1" if state is State.UNREADABLE else ""
    return StoredRun(number, run_id, Path("/output/runs") / run_id, state, record, config or {}, fault)


def nodes(**statuses: str) -> list[dict[str, Any]]:
    """A record's nodes, a second each."""
    return [{"id": name, "status": status, "seconds": 1.0} for name, status in statuses.items()]


def metrics(**candidate: float) -> dict[str, dict[str, float]]:
    """A record's metrics without a baseline."""
    return {"candidate": candidate, "baseline": {}}


def pushed(version: str) -> dict[str, str]:
    """A record's released version."""
    return {"version": version, "path": f"/output/pushed/flights/{version}"}
