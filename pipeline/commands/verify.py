"""Verifies a run from its files: `python -m pipeline verify [--run RUN]`; exit code 1 where anything disagrees.

Rows are counted anew, every metric of the evaluation is computed anew in one process without Beam, and a sample of rows
is evaluated by TFMA's own evaluation, which shares no code with ours.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.local.session import is_held
from reports.artifacts.quiet_imports import quietly
from reports.runs.output_folder import DEFAULT_OUTPUT, existing_output
from reports.runs.stored_runs import LATEST, StoredRun, find_run, read_runs
from schema.errors import InputError, PipelineError
from schema.failure import ended
from schema.signatures import SERVING_FORM

if TYPE_CHECKING:
    from pipeline.inspection.verification import Check, Evidence

_NEEDED = ("ExampleGen.examples", "ImportSchemaGen.schema", "Evaluator.evaluation", "Trainer.model")
# Of each check; a page of them says no more.
_SHOWN_FAULTS = 5


def main(arguments: Sequence[str]) -> int:
    """Prints one line per check; returns the exit code: 0, or 1 where something disagrees."""
    args = parse(arguments)
    began = time.monotonic()
    try:
        output = existing_output(args.output)
        run = evaluated_run(read_runs(output / "runs", held=is_held(output)), args.run)
        checks = _quietly_verified(output, run, args)
    except (PipelineError, OSError) as error:
        return ended(error, args.output)
    lines = [f"run {run.run_id}, {_subject(output, run)}", ""]
    for check in checks:
        lines += _lines(check.title, check.agreed, check.faults)
    failed = sum(bool(check.faults) for check in checks)
    verdict = f"{failed} of {len(checks)} checks failed" if failed else "all agree"
    sys.stdout.write("\n".join([*lines, "", f"  {verdict}, {time.monotonic() - began:.0f} s"]) + "\n")
    return int(bool(failed))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pipeline verify", description=__doc__, allow_abbrev=False)
    parser.add_argument("--output", default=DEFAULT_OUTPUT, help="the --output of the run")
    parser.add_argument(
        "--run",
        default=LATEST,
        metavar="RUN",
        help=f"its number in `pipeline runs`, its id or its beginning, or {LATEST}: the newest that evaluated a model",
    )
    parser.add_argument("--rows", type=int, default=1000, help="rows of the sample that TFMA evaluates (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default: 0)")
    args = parser.parse_args(arguments)
    if args.rows < 1:
        parser.error(f"--rows: expected 1 or more. Received: {args.rows}")
    return args


def _quietly_verified(output: Path, run: StoredRun, args: argparse.Namespace) -> "list[Check]":
    """The checks; what libraries write is shown where they fail, but not beside a sentence of the project's own."""
    error: PipelineError | OSError | None = None
    with quietly():
        from pipeline.inspection.verification import verify

        try:
            return verify(evidence(output, run), args.seed, args.rows)
        except (PipelineError, OSError) as raised:
            error = raised
    raise error


def evaluated_run(runs: Sequence[StoredRun], name: str) -> StoredRun:
    """The run of that name; by `latest` the newest that has an evaluation.

    Raises:
        InputError: if there is no such run, or it has none.
    """
    run = find_run(runs, name, lambda one: not _lacking(one))
    if _lacking(run):
        raise InputError(f"run {run.number}, {run.run_id}: nothing to verify. It has no {', '.join(_lacking(run))}")
    return run


def _lacking(run: StoredRun) -> list[str]:
    return [artifact for artifact in _NEEDED if artifact not in run.record.artifacts]


def evidence(output: Path, run: StoredRun) -> "Evidence":
    """The folders of what the run left; the model is the released one where the run's version is still there.

    Raises:
        InputError: if a folder has been removed.
    """
    from pipeline.inspection.verification import Evidence

    folders = {name: output / path for name, path in run.record.artifacts.items()}
    for name in _NEEDED:
        if not folders[name].is_dir():
            raise InputError(f"run {run.run_id}: {folders[name]} has been removed")
    release = released(output, run)
    return Evidence(
        examples=folders["ExampleGen.examples"],
        schema=folders["ImportSchemaGen.schema"],
        evaluation=folders["Evaluator.evaluation"],
        model=release or folders["Trainer.model"] / SERVING_FORM,
        variants=folders.get("DeviceModels.device_models"),
        release=release,
    )


def released(output: Path, run: StoredRun) -> Path | None:
    """The folder of the version that the run pushed; None where it pushed none, or the version has been removed."""
    folder = output / "pushed" / run.problem / run.version
    return folder if run.version and folder.is_dir() else None


def _subject(output: Path, run: StoredRun) -> str:
    return f"released version {run.version}" if released(output, run) else "the trained model, which is not released"


def _lines(title: str, agreed: str, faults: Sequence[str]) -> list[str]:
    if not faults:
        return [f"  ✓ {title:<12}{agreed}"]
    shown = [f"      {fault}" for fault in faults[:_SHOWN_FAULTS]]
    more = [f"      and {len(faults) - len(shown)} more"] if len(faults) > len(shown) else []
    return [f"  ✗ {title:<12}{len(faults)} disagreements", *shown, *more]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
