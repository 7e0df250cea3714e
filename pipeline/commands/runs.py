"""Runs from the terminal: `python -m pipeline runs [list | show RUN | diff RUN RUN | prune --keep N]`."""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.data.span_store import SPANS_FILE
from components.release.release_store import current, versions
from pipeline.local.session import is_held
from reports.runs.output_folder import DEFAULT_OUTPUT, existing_output
from reports.runs.stored_runs import StoredRun, find_run, read_runs
from reports.terminal.run_diff import Side, diff_lines
from reports.terminal.run_list import CURRENT, ON_DISK, list_lines
from reports.terminal.run_page import page_lines
from schema.errors import InputError, PipelineError
from schema.failure import ended
from schema.json_file import read_json

_NAMES = {"list": 0, "show": 1, "diff": 2, "prune": 0}


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pipeline runs", description=__doc__, allow_abbrev=False)
    parser.add_argument("action", nargs="?", default="list", choices=list(_NAMES))
    parser.add_argument(
        "runs", nargs="*", metavar="RUN", help="a run's number in the list, its id or its beginning, or latest"
    )
    parser.add_argument("--output", default=DEFAULT_OUTPUT, help="the --output of the runs")
    parser.add_argument("--problem", help="list: only the runs of this pipeline")
    parser.add_argument("--all", action="store_true", help="list: all runs, not the newest 30 alone")
    parser.add_argument("--keep", type=int, metavar="N", help="prune: finished runs of each problem that stay")
    parser.add_argument("--dry-run", action="store_true", help="prune: say what would be removed, and change nothing")
    chosen = parser.parse_args(arguments)
    wanted = _NAMES[chosen.action]
    if len(chosen.runs) != wanted:
        parser.error(f"{chosen.action}: expected {wanted} run{'s' * (wanted != 1)}. Received: {chosen.runs or 'none'}")
    if chosen.action == "prune" and (chosen.keep is None or chosen.keep < 1):
        parser.error(f"prune: expected --keep N, N being 1 or more. Received: {chosen.keep}")
    if chosen.action != "prune" and (chosen.keep is not None or chosen.dry_run):
        parser.error("--keep and --dry-run go with prune alone")
    if chosen.action != "list" and (chosen.problem is not None or chosen.all):
        # Who gives them to prune would think that the other problems' runs stay.
        parser.error("--problem and --all go with list alone")
    return chosen


def main(arguments: list[str]) -> int:
    """Lists, shows, compares or removes runs; returns the exit code."""
    chosen = parse(arguments)
    try:
        output = existing_output(chosen.output)
        sys.stdout.write("\n".join(_lines(chosen, output)) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads has seen enough; nothing of Python's may be told to a pipe that is closed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (PipelineError, OSError) as error:
        return ended(error, chosen.output)
    return 0


def _lines(chosen: argparse.Namespace, output: Path) -> list[str]:
    if chosen.action == "prune":
        from pipeline.pruning.prune import prune

        return prune(output, chosen.keep, dry_run=chosen.dry_run)
    runs = read_runs(output / "runs", held=is_held(output))
    width = _width()
    if chosen.action == "list":
        return _listing(chosen, output, runs, width)
    found = [find_run(runs, name) for name in chosen.runs]
    if chosen.action == "show":
        return page_lines(found[0], runs, version_marks(output), Path.cwd(), width=width)
    return diff_lines(*sides(output, found), width=width)


def _width() -> int | None:
    """Characters of the terminal's line; None where there is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _listing(chosen: argparse.Namespace, output: Path, runs: list[StoredRun], width: int | None) -> list[str]:
    shown = [run for run in runs if chosen.problem in (None, run.problem)]
    if shown:
        return list_lines(shown, version_marks(output), every=chosen.all, width=width)
    known = sorted({run.problem for run in runs if run.problem})
    if chosen.problem is not None and known:
        raise InputError(f"--problem {chosen.problem}: no run of it in {output}. Problems: {', '.join(known)}")
    return [f"{output}: no run"]


def version_marks(output: Path) -> dict[tuple[str, str], str]:
    """How the versions on disk are marked, by problem and version.

    Raises:
        InputError: if `current` of a problem leads to something that is no version.
    """
    marks: dict[tuple[str, str], str] = {}
    for folder in sorted(path for path in (output / "pushed").glob("*") if path.is_dir()):
        now = current(folder)
        marks |= {(folder.name, str(version)): CURRENT if version == now else ON_DISK for version in versions(folder)}
    return marks


def sides(output: Path, runs: Sequence[StoredRun]) -> list[Side]:
    """The runs with what of their artifacts is still there."""
    evaluations = [_artifact(output, run, "Evaluator.evaluation") for run in runs]
    slices: list[Any]
    if None in evaluations:
        # The other is not read, which takes seconds: it would be compared with nothing.
        slices = [None if evaluation is None else {} for evaluation in evaluations]
    else:
        slices = _slices(evaluations)
    spans = [_spans(_artifact(output, run, "ExampleGen.examples")) for run in runs]
    return [Side(*known) for known in zip(runs, spans, slices, strict=True)]


def _artifact(output: Path, run: StoredRun, name: str) -> Path | None:
    told = run.record.artifacts.get(name)
    return output / told if told and (output / told).is_dir() else None


def _spans(examples: Path | None) -> Any:
    if examples is None or not (examples / SPANS_FILE).is_file():
        return None
    return read_json(examples / SPANS_FILE)


def _slices(evaluations: Sequence[Any]) -> list[Any]:
    from pipeline.process.fast_import import large_imports
    from pipeline.process.import_blocker import without_cloud_clients
    from pipeline.process.output_redirect import captured

    # What libraries print as they load is no part of the answer.
    with captured(Path(os.devnull)), without_cloud_clients():
        with large_imports():
            from reports.artifacts.evaluation import sliced_metrics
        return [sliced_metrics(evaluation) for evaluation in evaluations]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
