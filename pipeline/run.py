"""One local run: lock, log, launch, record, and the exit code."""

import errno
import json
import logging
import sys
import time
import traceback
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from pipeline.config import ROOT, Config
from pipeline.graph import create_pipeline
from pipeline.local_runner import LocalRunner, NodeError, NodeResult, Status, compile_graph, node_ids
from pipeline.session import Session
from pipeline.terminal import NodeLines
from reports.evaluation import overall_metrics
from reports.run_record import RunRecord, write_record
from reports.summary import result_lines, shortened
from schema.closed import nearest
from schema.errors import InputError, NotBlessedError, PipelineError

UNEXPECTED = 1


@dataclass(frozen=True)
class Choice:
    """Which nodes run: from the first and up to the last, both inclusive; None for that end of the graph."""

    first: str | None = None
    last: str | None = None

    def check(self, known: list[str]) -> None:
        """Refuses a node that is not in the graph.

        Raises:
            InputError: with the nearest name.
        """
        for name in (self.first, self.last):
            if name is not None and name not in known:
                raise InputError(f"no node '{name}' in the graph.{nearest(name, known)}")


def _set_up_logging(verbose: bool) -> None:
    from absl import logging as absl_logging

    absl_logging.set_verbosity(absl_logging.DEBUG if verbose else absl_logging.INFO)
    logging.getLogger().setLevel(logging.DEBUG if verbose else logging.INFO)


def run(config: Config, choice: Choice, session: Session) -> int:
    """Runs the pipeline and prints one screen; returns the exit code.

    Raises:
        InputError: if a chosen node is not in the graph.
    """
    _set_up_logging(session.verbose)
    run_id, folder, terminal = session.run_id, session.folder, session.terminal
    started = time.monotonic()
    ir = compile_graph(create_pipeline(config))
    choice.check(node_ids(ir))
    runner = LocalRunner(ir, run_id)
    if choice.first or choice.last:
        runner.choose(choice.first, choice.last)
    _say(terminal, header(config, run_id))
    record = RunRecord(run_id=run_id, status="failed", window=str(config.window))
    try:
        results = runner.run(NodeLines(terminal))
    except NodeError as failure:
        cause = failure.__cause__ or failure
        logging.getLogger(__name__).error("node %s failed", failure.node, exc_info=cause)  # noqa: TRY400 (the cause, not its wrapper)
        record = replace(record, nodes=_nodes(failure.results), seconds=time.monotonic() - started, error=str(cause))
        write_record(record, folder)
        _say(terminal, failure_lines(failure.node, cause, folder))
        return exit_code(cause)
    record = collect(replace(record, nodes=_nodes(results)), runner.outputs(), results)
    record = replace(record, seconds=time.monotonic() - started)
    write_record(record, folder)
    _say(terminal, [*result_lines(record), *closing_lines(record, folder)])
    return NotBlessedError.exit_code if record.status == "not blessed" else 0


def _nodes(results: list[NodeResult]) -> list[dict[str, Any]]:
    return [{**asdict(result), "status": str(result.status), "seconds": round(result.seconds, 2)} for result in results]


def _say(terminal: TextIO, lines: list[str]) -> None:
    terminal.write("\n".join(lines) + "\n")
    terminal.flush()


def header(config: Config, run_id: str) -> list[str]:
    """What runs."""
    rows = "" if config.sample_rows is None else f", a sample of {config.sample_rows:,} rows"
    window = "all spans" if str(config.window) == ":" else f"spans {config.window}"
    return [f"{config.problem.title}", f"  {config.problem.name}, {window}{rows}, run {run_id}", ""]


def collect(record: RunRecord, outputs: dict[tuple[str, str], str], results: list[NodeResult]) -> RunRecord:
    """The record with what the run's artifacts say."""
    found: dict[str, Any] = {"status": "finished"}
    done = {result.id for result in results if result.status in (Status.RAN, Status.CACHED)}
    if "ExampleGen" in done:
        found["rows"] = _rows(Path(outputs["ExampleGen", "examples"]))
    if "Evaluator" in done:
        found["metrics"] = overall_metrics(Path(outputs["Evaluator", "evaluation"]))
    if "DeviceModels" in done:
        found["variants"] = _json(Path(outputs["DeviceModels", "device_models"]) / "variants.json")
    if "ReleaseGate" in done:
        verdict = _json(Path(outputs["ReleaseGate", "blessing"]) / "verdict.json")
        found |= {"blessed": verdict["blessed"], "reasons": verdict["reasons"]}
        found["status"] = "blessed" if verdict["blessed"] else "not blessed"
    if "Pusher" in done:
        found |= {"pushed": _json(Path(outputs["Pusher", "pushed_model"]) / "pushed.json"), "status": "pushed"}
    return replace(record, **found)


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _rows(examples: Path) -> dict[str, int]:
    totals: dict[str, int] = {}
    for span in _json(examples / "spans.json"):
        for split, rows in span["rows"].items():
            totals[split] = totals.get(split, 0) + rows
    return totals


def closing_lines(record: RunRecord, folder: Path) -> list[str]:
    """Paths and the next command."""
    base = Path.cwd()
    lines = [f"  run     {shortened(folder, base)}/run.json, {record.seconds:.0f} s in all"]
    if record.pushed:
        lines.append(f"  model   {shortened(Path(record.pushed['path']), base)}")
        lines.append("  next    python -m pipeline.release list, or rollback to go back one version")
    elif record.reasons:
        lines.append("  next    mend the model or the bounds in problem.yaml, then run again; what is cached stays")
    return lines


def failure_lines(node: str, cause: BaseException, folder: Path) -> list[str]:
    """The node, the cause, the user's line where there is one, the log and the command that resumes."""
    message = str(cause) if isinstance(cause, PipelineError) else f"{type(cause).__name__}: {_first_line(cause)}"
    lines = ["", f"{node} failed: {message}"]
    place = None if isinstance(cause, PipelineError) else own_line(cause)
    if place:
        lines.append(f"  at      {place}")
    lines.append(f"  log     {shortened(folder / 'run.log', Path.cwd())}")
    lines.append(f"  resume  {resume_command()}")
    return lines


def resume_command() -> str:
    """The command of this run: what had finished is served from the cache."""
    return "python " + " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])


def _first_line(cause: BaseException) -> str:
    return next((line for line in str(cause).splitlines() if line.strip()), "no message")


def own_line(cause: BaseException) -> str | None:
    """file:line of the innermost frame in this project, if the error passed through one."""
    frames = [f for f in traceback.extract_tb(cause.__traceback__) if Path(f.filename).is_relative_to(ROOT)]
    own = [f for f in frames if "site-packages" not in f.filename and "/pipeline/" not in f.filename]
    return f"{shortened(Path(own[-1].filename), ROOT)}:{own[-1].lineno}" if own else None


def exit_code(cause: BaseException) -> int:
    """2 to 4 for what a person can mend, else 1."""
    if isinstance(cause, PipelineError):
        return cause.exit_code
    if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT):
        return InputError.exit_code
    return UNEXPECTED
