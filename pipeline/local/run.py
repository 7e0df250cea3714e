"""One local run: lock, log, launch, record, and the exit code."""

import logging
import shlex
import shutil
import sys
import time
import traceback
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TextIO

from components.device.device_models import PREDICTIONS
from components.release.release_store import current, versions
from pipeline.beam.pipeline_options import importable_project
from pipeline.beam.runners import Engine, open_engine
from pipeline.config.pipeline_config import ROOT, Config
from pipeline.graph import create_pipeline
from pipeline.local.node_result import NodeError, NodeResult, Status
from pipeline.local.node_selection import Choice
from pipeline.local.parallelism import parallelism
from pipeline.local.progress import LiveLine, NodeLines
from pipeline.local.report_writing import report_line
from pipeline.local.runner import LocalRunner, compile_graph, upstream_nodes
from pipeline.local.session import Session, begun_record, make_private
from pipeline.local.shutdown import interruption_code
from pipeline.metadata.cache_miss_reason import NOT_CHOSEN, why_not_reached
from pipeline.metadata.server_handle import opener
from pipeline.metadata.type_registration import register_types
from pipeline.stages.run_manifest import CONFIG, described
from reports.runs.collected import collected
from reports.runs.output_folder import project_command, shortened
from reports.runs.run_record import RunRecord, write_json, write_record
from reports.terminal.summary import result_lines
from schema.errors import InputError, NotBlessedError, PipelineError
from schema.problem import DEFAULT_PROBLEM
from schema.release_files import release_faults

UNEXPECTED = 1
PUSHER = "Pusher"
_DISK_FAULTS = ("No space left on device", "disk is full", "Disk quota exceeded", "Read-only file system")


def _set_up_logging(verbose: bool) -> None:
    from absl import logging as absl_logging

    absl_logging.set_verbosity(absl_logging.DEBUG if verbose else absl_logging.INFO)
    logging.getLogger().setLevel(logging.DEBUG if verbose else logging.INFO)


def run(config: Config, choice: Choice, session: Session, started: float) -> int:
    """Runs the pipeline and prints one screen; returns the exit code.

    Args:
        config: what runs.
        choice: which nodes of it, checked already: a run that cannot begin is none.
        session: where it is told.
        started: the time.monotonic() at which the process began.
    """
    _set_up_logging(session.verbose)
    at_once = parallelism(config)
    logging.getLogger(__name__).info("at the same time: %s", at_once)
    with open_engine(config.environment.beam, at_once.workers, session.run_id, session.folder) as engine:
        return _run(config, choice, session, started, at_once.nodes, engine)


def _run(config: Config, choice: Choice, session: Session, started: float, at_once: int, engine: Engine) -> int:
    record = begun_record(config, session)
    write_json(described(config), session.folder / CONFIG)
    ir = compile_graph(create_pipeline(config))
    upstream = upstream_nodes(ir)
    settings = config.environment.metadata
    make_private(config)
    runner = LocalRunner(ir, session.run_id, at_once=at_once, engine=engine, open_store=opener(settings))
    try:
        if settings.is_server:
            register_types(settings, ir)
        if not choice.is_all:
            earlier = runner.choose(choice.first, choice.last)
            if earlier:
                _say(session.terminal, [f"  earlier nodes come from run {earlier}", ""])
    except PipelineError as error:
        _write_failure(record, error, session.folder, started)
        raise
    record = replace(record, startup_seconds=round(time.monotonic() - started, 2))
    try:
        with importable_project():
            results = runner.run(NodeLines(session.terminal))
    except NodeError as failure:
        cause = failure.__cause__ or failure
        entries = node_entries(failure.results, upstream, cause)
        record = replace(record, nodes=entries, seconds=time.monotonic() - started)
        told = one_line(cause)
        made = _made(runner, config.output)
        record = replace(record, status=_failed_status(cause), error=told, reasons=[told], artifacts=made)
        write_record(record, session.folder)
        _say(session.terminal, failure_lines(failure.node, cause, session.folder))
        # Who interrupts a run does not want to wait.
        if not isinstance(cause, KeyboardInterrupt):
            _say(session.terminal, [_reported(session)])
        return exit_code(cause)
    try:
        outputs = runner.outputs()
    except PipelineError as error:
        _write_failure(replace(record, nodes=node_entries(results, upstream)), error, session.folder, started)
        raise
    record = replace(record, nodes=node_entries(results, upstream), artifacts=relative(outputs, config.output))
    record = collect(record, outputs)
    record = replace(record, seconds=time.monotonic() - started)
    unpushed = why_unpushed(record, results)
    if unpushed:
        record = replace(record, status="failed", error=unpushed, reasons=[unpushed])
    keep_predictions(outputs, session.folder)
    write_record(record, session.folder)
    _say(session.terminal, result_lines(record, project_command("pipeline devices", config.output, Path.cwd())))
    report = _reported(session)
    _say(session.terminal, closing_lines(record, session.folder, config.releases, report))
    if unpushed:
        return UNEXPECTED
    return NotBlessedError.exit_code if record.status == "not blessed" else 0


def why_unpushed(record: RunRecord, results: list[NodeResult]) -> str | None:
    """Why a run is no success whose nodes all ended well: its blessed model should be pushed and is not.

    Args:
        record: with what the artifacts say.
        results: of the run's nodes.
    """
    pusher = next((result for result in results if result.id == PUSHER), None)
    if record.pushed or not record.blessed or pusher is None or pusher.why == NOT_CHOSEN:
        return None
    return f"the model is blessed and {PUSHER} {pusher.status}, yet nothing is pushed: the store has no pushed model"


def _reported(session: Session) -> str:
    drawing = LiveLine(session.terminal)
    drawing.show("drawing the report")
    try:
        return report_line(session.folder)
    finally:
        drawing.clear()


def _made(runner: LocalRunner, output: Path) -> dict[str, str]:
    """The artifacts of a run that failed, as far as the metadata store can still be asked."""
    try:
        return relative(runner.outputs(), output)
    except Exception:
        logging.getLogger(__name__).exception("the metadata store does not say what this run had made")
        return {}


def _write_failure(record: RunRecord, error: PipelineError, folder: Path, started: float) -> None:
    seconds = time.monotonic() - started
    write_record(replace(record, error=str(error), reasons=[str(error)], seconds=seconds), folder)


def _failed_status(cause: BaseException) -> str:
    return "interrupted" if isinstance(cause, KeyboardInterrupt) else "failed"


def keep_predictions(outputs: dict[tuple[str, str], str], folder: Path) -> None:
    """Lays the test predictions of the run's model beside `run.json`, for whoever compares models."""
    if ("DeviceModels", "device_models") in outputs:
        shutil.copy2(Path(outputs["DeviceModels", "device_models"]) / PREDICTIONS, folder / PREDICTIONS)


def node_entries(
    results: list[NodeResult], upstream: dict[str, list[str]], cause: BaseException | None = None
) -> list[dict[str, Any]]:
    """The record's `nodes`, in the graph's order; those that did not begin are skipped.

    Args:
        results: of the nodes that began.
        upstream: what each node waits for, in the graph's order.
        cause: the error that ended the run, if one did.
    """
    ended = {result.id: result for result in results}
    failed = [result.id for result in results if result.status is Status.FAILED]
    why = why_not_reached(failed, interrupted=isinstance(cause, KeyboardInterrupt))
    return [
        {**_node(ended.get(name, NodeResult(name, Status.SKIPPED, 0.0, why=why))), "upstream": before}
        for name, before in upstream.items()
    ]


def _node(result: NodeResult) -> dict[str, Any]:
    peak = None if result.peak_mb is None else round(result.peak_mb, 1)
    entry = {**asdict(result), "status": str(result.status), "seconds": round(result.seconds, 2), "peak_mb": peak}
    # Most nodes have none.
    return entry if result.notices else {key: value for key, value in entry.items() if key != "notices"}


def _say(terminal: TextIO, lines: list[str]) -> None:
    terminal.write("\n".join(lines) + "\n")
    terminal.flush()


def collect(record: RunRecord, outputs: dict[tuple[str, str], str]) -> RunRecord:
    """The record with what the run's artifacts say, those of an earlier run that it went on from included."""
    return replace(record, **collected(_named(outputs)))


def relative(outputs: dict[tuple[str, str], str], output: Path) -> dict[str, str]:
    """The record's `artifacts`: by `<node>.<output>`, relative to the output folder if they lie below it."""
    return {
        name: str(path.relative_to(output) if path.is_relative_to(output) else path)
        for name, path in sorted(_named(outputs).items())
    }


def _named(outputs: dict[tuple[str, str], str]) -> dict[str, Path]:
    return {f"{node}.{key}" if key else node: Path(uri) for (node, key), uri in outputs.items()}


def closing_lines(record: RunRecord, folder: Path, releases: Path, report: str) -> list[str]:
    """Paths, the line on the report among them, and the next command."""
    base = Path.cwd()
    seconds = f"{record.seconds:.0f} s in all, of which {record.startup_seconds:.0f} s start-up"
    lines = [f"  run     {shortened(folder, base)}/run.json, {seconds}", report]
    if record.pushed:
        version = int(record.pushed["version"])
        lines.append(f"  model   {shortened(Path(record.pushed['path']), base)}{staleness(version, releases)}")
        output, problem = releases.parent.parent, releases.name
        named = f" --problem {problem}" if problem != DEFAULT_PROBLEM else ""
        lines.append(f"  next    {project_command(f'pipeline release list{named}', output, base)} (or rollback)")
    elif record.reasons:
        lines.append("  next    mend the model or the bounds in problem.yaml, then run again; what is cached stays")
    return lines


def staleness(version: int, releases: Path) -> str:
    """What to know of a version that this or an earlier run pushed; empty if it is whole and the one in use."""
    if version not in versions(releases):
        return "  (since removed; push again with --only Pusher --no-cache)"
    faults = list(release_faults(releases / str(version)))
    if faults:
        return f"  (damaged: {faults[0]}; push again with --only Pusher --no-cache)"
    now = current(releases)
    return "" if now == version else f"  (pushed by an earlier run; current is {now})"


def failure_lines(node: str, cause: BaseException, folder: Path) -> list[str]:
    """The node, the cause, the user's line where there is one, the log and the command that resumes."""
    message = str(cause) if isinstance(cause, PipelineError) else one_line(cause)
    happened = f"interrupted in {node}" if isinstance(cause, KeyboardInterrupt) else f"{node} failed: {message}"
    lines = ["", happened]
    mendable = isinstance(cause, PipelineError | KeyboardInterrupt) or disk_fault(cause)
    place = None if mendable else own_line(cause)
    if place:
        lines.append(f"  at      {place}")
    lines.append(f"  log     {shortened(folder / 'run.log', Path.cwd())}")
    lines.append(f"  resume  {resume_command()}")
    return lines


def resume_command() -> str:
    """The command of this run, without --no-cache: what had finished is served from the cache."""
    flags = [flag for flag in sys.argv[1:] if flag != "--no-cache"]
    return shlex.join([shortened(Path(sys.executable), Path.cwd()), sys.argv[0], *flags])


def one_line(cause: BaseException) -> str:
    """The error in one line; one that a person can mend says all it has to say."""
    if isinstance(cause, PipelineError):
        return str(cause)
    fault = disk_fault(cause)
    if fault:
        return f"the output folder cannot be written: {fault}. Make room there, or name another folder with --output"
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()] or ["no message"]
    # TensorFlow puts the trace of a traced function first, and what was wrong last.
    return f"{type(cause).__name__}: {lines[-1] if lines[0] == 'in user code:' else lines[0]}"


def disk_fault(cause: BaseException | None) -> str | None:
    """What the disk refused, if that is what ended the run; TensorFlow and SQLite tell it in the text alone."""
    while cause is not None:
        told = next((fault for fault in _DISK_FAULTS if fault in str(cause)), None)
        if told:
            return told
        cause = cause.__cause__ or cause.__context__
    return None


def own_line(cause: BaseException) -> str | None:
    """file:line of the innermost frame in this project, if the error passed through one."""
    frames = [f for f in traceback.extract_tb(cause.__traceback__) if Path(f.filename).is_relative_to(ROOT)]
    own = [f for f in frames if "site-packages" not in f.filename and "/pipeline/" not in f.filename]
    return f"{shortened(Path(own[-1].filename), ROOT)}:{own[-1].lineno}" if own else None


def exit_code(cause: BaseException) -> int:
    """2 to 4 for what a person can mend, else 1."""
    if isinstance(cause, PipelineError):
        return cause.exit_code
    if isinstance(cause, KeyboardInterrupt):
        return interruption_code(cause)
    return InputError.exit_code if disk_fault(cause) else UNEXPECTED
