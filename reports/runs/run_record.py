"""A run for machines: `run.json`."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from schema.durable import write_file


@dataclass(frozen=True)
class RunRecord:
    """Everything `run.json` says of a run.

    Each entry of `nodes` has `id`, `status`, `seconds` of wall time, `peak_mb`, the MiB held at most while the node
    ran, null where the kernel does not tell, `upstream`, the nodes it waits for, and `why`: what had changed since its
    last success, or what kept it from running; where there are any, `notices` are sentences of it for people. `seconds`
    are those of the process, from its start until the record is written, and `startup_seconds` those of them until the
    first node began. `problem` is the pipeline's name and `started` an ISO 8601 time in UTC. `artifacts` has the folder
    of each artifact that the run made or used again, by `<node>.<output>`: relative to the output folder, so that this
    may be moved, or absolute if it lies elsewhere. `ledger` has the rows that passed each boundary, see
    reports.artifacts.ledger. `training` is schema.training_record's of the run's model, and `warnings` are what nodes
    have to say although they succeeded, each behind its node's name.
    """

    run_id: str
    status: str
    problem: str = ""
    started: str = ""
    nodes: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, dict[str, float]] = field(default_factory=lambda: {"candidate": {}, "baseline": {}})
    blessed: bool = False
    reasons: list[str] = field(default_factory=list)
    variants: list[dict[str, Any]] = field(default_factory=list)
    pushed: dict[str, str] | None = None
    startup_seconds: float = 0.0
    seconds: float = 0.0
    window: str = ":"
    rows: dict[str, int] = field(default_factory=dict)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
    artifacts: dict[str, str] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def why_absent(nodes: Sequence[Mapping[str, Any]], node: str) -> str:
    """Why a run has nothing of a node: it was kept from running, for the reason in its entry, or it did not finish."""
    found = next((entry for entry in nodes if entry["id"] == node), {})
    why = found.get("why") if found.get("status") == "skipped" else None
    return f"{node} was {why}" if why else f"{node} did not finish in it"


def write_record(record: RunRecord, folder: Path) -> Path:
    """Writes `run.json` into the run's folder, whole or not at all."""
    return write_json(asdict(record), folder / "run.json")


def write_json(value: Any, path: Path) -> Path:
    """Writes a JSON file, whole or not at all; what is not a finite number is null there."""
    return write_file(path, json.dumps(finite(value), indent=2) + "\n")


def finite(value: Any) -> Any:
    """JSON knows no NaN; what is not finite becomes null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value
