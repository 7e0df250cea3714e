"""Writes the report of an earlier run: `python -m pipeline report [--output OUTPUT] [--run RUN]`."""

import argparse
import sys
from pathlib import Path

from reports.runs.output_folder import DEFAULT_OUTPUT, existing_output
from reports.runs.stored_runs import LATEST, State, StoredRun, find_run, read_runs
from schema.errors import InputError, PipelineError
from schema.failure import ended


def main(arguments: list[str]) -> int:
    """Writes `report.html` and `report.json` into the run's folder; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline report", description=__doc__, allow_abbrev=False)
    parser.add_argument("folder", nargs="?", metavar="OUTPUT", help="the same as --output OUTPUT")
    parser.add_argument("--output", help=f"the --output of the run; {DEFAULT_OUTPUT} when left out")
    parser.add_argument(
        "--run",
        default=LATEST,
        metavar="RUN",
        help=f"its number in `pipeline runs`, its id or its beginning, or {LATEST}: the newest run that has ended",
    )
    parser.add_argument("--to", metavar="FOLDER", help="where to write; the run's own folder when left out")
    chosen = parser.parse_args(arguments)
    if chosen.folder is not None and chosen.output is not None:
        parser.error(f"the output folder is named twice: {chosen.folder} and --output {chosen.output}")
    told = next((given for given in (chosen.output, chosen.folder) if given is not None), DEFAULT_OUTPUT)
    try:
        return _main(existing_output(told), chosen.run, chosen.to)
    except (PipelineError, OSError) as error:
        return ended(error, told)


def _main(output: Path, name: str, to: str | None) -> int:
    runs = read_runs(output / "runs", held=False)
    if not any(map(_has_ended, runs)):
        raise InputError(f"{output}: no run that has ended. Run the pipeline first: make run")
    folder = find_run(runs, name, _has_ended).folder
    # Now that there is something to draw.
    from reports.page.report import write_report
    from reports.runs.run import read_run

    target = Path(to) if to else folder
    target.mkdir(parents=True, exist_ok=True)
    sys.stdout.write(f"{write_report(read_run(folder), target)}\n")
    return 0


def _has_ended(run: StoredRun) -> bool:
    return run.state is State.RECORDED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
