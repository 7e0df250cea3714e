"""One run on one screen, from its record: pure functions from it to text."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from reports.runs.output_folder import project_command, shortened
from reports.runs.stored_runs import CONFIG, RECORD, State, StoredRun
from reports.terminal.columns import cut
from reports.terminal.run_list import CURRENT, Marks, failed_node, maker, verdict, when
from reports.terminal.summary import node_line, result_lines

REPORT = "report.html"
_NOT_RECORDED = "not recorded: the run is of an older version"


def page_lines(
    run: StoredRun, runs: Sequence[StoredRun], marks: Marks, base: Path, *, width: int | None = None
) -> list[str]:
    """How a run was started, what its nodes did, and what came of it.

    Args:
        run: the run.
        runs: all runs of its output folder, newest first.
        marks: of the versions on disk.
        base: the folder to which paths are told relative.
        width: characters of a line; None for as many as it takes.
    """
    lines = [*_head(run, runs), *_nodes(run), *_results(run, base), *_closing(run, marks, base)]
    return [cut(line, width) for line in lines]


def _head(run: StoredRun, runs: Sequence[StoredRun]) -> list[str]:
    named = f", {run.problem}" if run.problem else ""
    told = _NOT_RECORDED if run.state is State.RECORDED else "not recorded"
    command = run.config.get("command")
    lines = [
        f"run {run.number}, {run.run_id}{named}: {verdict(run, runs)}",
        f"  command {shlex.join(map(str, command)) if isinstance(command, list) else told}",
        f"  when    {when(run)} UTC{_took(run)}",
        f"  window  {'all spans' if run.window == ':' else f'spans {run.window}' if run.window else told}",
    ]
    made_by = maker(run, runs)
    if made_by:
        lines.append(f"  cache   all of it, as run {made_by.number}, {made_by.run_id}, made it")
    if run.record.rows:
        lines.append("  rows    " + ", ".join(f"{split} {count:,}" for split, count in run.record.rows.items()))
    return [*lines, f"  fault   {run.fault}"] if run.fault else lines


def _took(run: StoredRun) -> str:
    if run.state is not State.RECORDED:
        return ""
    return f", {run.record.seconds:.0f} s in all, of which {run.record.startup_seconds:.0f} s start-up"


def _nodes(run: StoredRun) -> list[str]:
    lines = []
    for node in run.record.nodes:
        line = node_line(str(node.get("id")), str(node.get("status")), float(node.get("seconds") or 0.0))
        lines.append(f"{line}  {node['why']}" if node.get("why") else line)
    return ["", *lines] if lines else []


def _results(run: StoredRun, base: Path) -> list[str]:
    record = run.record
    named = "" if run.number == 1 else f" --run {run.number}"
    more = project_command(f"pipeline devices{named}", run.folder.parent.parent, base)
    if record.status != "interrupted":
        return result_lines(record, more)
    # Its only reason is the interruption, which is no verdict on a model.
    where = failed_node(record)
    return [*result_lines(replace(record, reasons=[]), more), "", f"  interrupted{f' in {where}' if where else ''}"]


def _closing(run: StoredRun, marks: Marks, base: Path) -> list[str]:
    lines = [""]
    if run.version:
        mark = marks.get((run.problem, run.version))
        stands = "since removed" if not mark else "the current one" if mark == CURRENT else "still on disk"
        lines.append(f"  version {run.version}, {stands}")
    for name, file in (("report", REPORT), ("record", RECORD), ("config", CONFIG), ("log", "run.log")):
        if (run.folder / file).is_file():
            lines.append(f"  {name:<7} {shortened(run.folder / file, base)}")
    return lines
