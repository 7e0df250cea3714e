"""The runs of an output folder, a line each: pure functions from their records to text."""

import math
from collections.abc import Mapping, Sequence

from reports.runs.run_record import RunRecord
from reports.runs.stored_runs import State, StoredRun, section
from reports.terminal.columns import Column, aligned, cut
from schema.metrics import MAIN
from schema.rounding import metric_text

SHOWN = 30
CURRENT = "*"
ON_DISK = "+"
GATE = "AnomalyGate"
_LEGEND = f"  {CURRENT} the current version, {ON_DISK} another that is still on disk"

# What a version is marked with, by problem and version; those that are gone are not in it.
Marks = Mapping[tuple[str, str], str]


def list_lines(runs: Sequence[StoredRun], marks: Marks, *, every: bool, width: int | None = None) -> list[str]:
    """A head and a line a run, newest first, and below them the faults of records that cannot be read.

    Args:
        runs: newest first.
        marks: of the versions on disk.
        every: whether all are shown, or at most `SHOWN`.
        width: characters of a line; None for as many as it takes.
    """
    shown = runs if every else runs[:SHOWN]
    lines = aligned(_columns(shown, runs, marks), width)
    if len(shown) < len(runs):
        lines.append(f"  and {len(runs) - len(shown)} more: --all")
    if any(marks.get((run.problem, run.version)) for run in shown):
        lines.append(cut(_LEGEND, width))
    return lines + [
        cut(f"  run {run.number}: {run.folder.name}/run.json: {run.fault}", width)
        for run in shown
        if run.state is State.UNREADABLE
    ]


def _columns(shown: Sequence[StoredRun], runs: Sequence[StoredRun], marks: Marks) -> list[Column]:
    several = len({run.problem for run in shown}) > 1
    mains = [main_metric(run) for run in shown]
    names = {main[0] for main in mains if main}
    return [
        Column("run", [str(run.number) for run in shown], right=True),
        Column("when (UTC)", [when(run) for run in shown]),
        Column("problem", [run.problem if several else "" for run in shown], rank=1),
        Column("window", [run.window for run in shown], rank=3),
        Column("rows", [_rows(run.record) for run in shown], right=True, rank=4),
        Column(
            "metric" if len(names) > 1 else "".join(names),
            [_metric(main, named=len(names) > 1) for main in mains],
            right=True,
        ),
        Column("verdict", [verdict(run, runs) for run in shown]),
        Column("version", [_version(run, marks) for run in shown], rank=2),
        Column("seconds", [_seconds(run) for run in shown], right=True, rank=5),
    ]


def when(run: StoredRun) -> str:
    """When it began, to the minute, or its id where that is no time."""
    return run.run_id if run.moment is None else f"{run.moment:%Y-%m-%d %H:%M}"


def _rows(record: RunRecord) -> str:
    return f"{sum(record.rows.values()):,}" if record.rows else ""


def main_metric(run: StoredRun) -> tuple[str, float] | None:
    """The metric that one number for a model means, by the run's task, or by what was measured if that is not told."""
    candidate = run.record.metrics.get("candidate", {})
    task = section(run.config, "problem").get("task")
    names = [name for known, name in MAIN.items() if known == task] or list(MAIN.values())
    return next(((name, candidate[name]) for name in names if name in candidate), None)


def _metric(main: tuple[str, float] | None, *, named: bool) -> str:
    if main is None:
        return ""
    value = metric_text(main[1]) if math.isfinite(main[1]) else "undefined"
    return f"{main[0]} {value}" if named else value


def _version(run: StoredRun, marks: Marks) -> str:
    return f"{run.version}{marks.get((run.problem, run.version), '')}" if run.version else ""


def _seconds(run: StoredRun) -> str:
    return f"{run.record.seconds:.0f}" if run.state is State.RECORDED else ""


def verdict(run: StoredRun, runs: Sequence[StoredRun] = ()) -> str:
    """What became of a run, in a few words.

    Args:
        run: the run.
        runs: newest first; among them is looked for the one that made what this one found in the cache.
    """
    if run.state is not State.RECORDED:
        return str(run.state)
    status, failed = run.record.status, failed_node(run.record)
    if status == "failed":
        return "anomalies" if failed == GATE else f"failed in {failed}" if failed else "failed"
    if status == "interrupted":
        return f"interrupted in {failed}" if failed else status
    made_by = maker(run, runs)
    return f"{status}, as run {made_by.number}" if made_by else status


def failed_node(record: RunRecord) -> str:
    """The first node that failed or was interrupted; empty without one."""
    return next((str(node.get("id")) for node in record.nodes if node.get("status") == "failed"), "")


def maker(run: StoredRun, runs: Sequence[StoredRun]) -> StoredRun | None:
    """The newest earlier run that computed all that this one found in the cache; None if it computed something."""
    if not _all_cached(run.record):
        return None
    earlier = (other for other in runs if other.number > run.number and other.state is State.RECORDED)
    return next((other for other in earlier if not _all_cached(other.record) and _same(run, other)), None)


def _all_cached(record: RunRecord) -> bool:
    statuses = {node.get("status") for node in record.nodes}
    return "cached" in statuses and statuses <= {"cached", "skipped"}


def _same(one: StoredRun, other: StoredRun) -> bool:
    if one.problem != other.problem:
        return False
    if one.record.artifacts and other.record.artifacts:
        return one.record.artifacts == other.record.artifacts
    results = [(run.record.status, run.record.pushed, run.record.rows) for run in (one, other)]
    return results[0] == results[1] and repr(one.record.metrics) == repr(other.record.metrics)
