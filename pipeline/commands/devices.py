"""The device variant to ship: `python -m pipeline devices [--run RUN] [--budget bytes=200k,latency_us=50]`."""

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from edge.gate.budget_selection import Budget, Candidate, Choice, candidates, choose, front
from pipeline.local.session import is_held
from reports.runs.output_folder import DEFAULT_OUTPUT, existing_output
from reports.runs.run_record import why_absent
from reports.runs.stored_runs import LATEST, StoredRun, find_run, misfit, read_runs
from reports.terminal.columns import Column, aligned
from reports.terminal.run_list import verdict
from schema.errors import InputError, PipelineError
from schema.failure import ended
from schema.json_file import read_json
from schema.rounding import metric_form, rounded

_ARTIFACT = "DeviceModels.device_models"
_ON_FRONT, _CHOSEN = "*", ">"


class _Entry(BaseModel):
    """What is read of an entry of variants.json; an older file lacks the last two."""

    name: str
    accepted: bool
    reasons: list[str]
    bytes: float
    gzip_bytes: float
    metric: str
    value: float | None
    latency_p50_us: float
    latency_p95_us: float
    change: float | None = None
    peak_memory_bytes: float | None = None


_ENTRIES = TypeAdapter(list[_Entry])


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pipeline devices", description=__doc__, allow_abbrev=False)
    parser.add_argument("--output", default=DEFAULT_OUTPUT, help="the --output of the runs")
    parser.add_argument(
        "--run",
        default=LATEST,
        metavar="RUN",
        help=f"a run's number in the list, its id or its beginning, or {LATEST}: the newest run with device variants",
    )
    parser.add_argument(
        "--budget",
        default="",
        metavar="KEY=MOST,...",
        help="most bytes, gzip_bytes, latency_us (median), latency_p95_us, peak_memory_bytes and drop (of the main "
        "metric); k and M are decimal, Ki and Mi binary",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Prints the variants and the one to ship; returns the exit code: 0, or 4 where none fits."""
    chosen = parse(arguments)
    try:
        budget = Budget.parse(chosen.budget)
        output = existing_output(chosen.output)
        runs = read_runs(output / "runs", held=is_held(output))
        run = find_variants(runs, chosen.run)
        entries = read_variants(output, run)
        given = candidates(entries)
        choice = choose(given, budget)
        if chosen.json:
            told = json.dumps(_as_json(run, entries, given, budget, choice), indent=1)
        else:
            width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
            told = "\n".join([*which(run, runs, chosen.run), *lines(entries, budget, width)])
        sys.stdout.write(f"{told}\n")
    except (PipelineError, OSError) as error:
        return ended(error, chosen.output)
    return 0 if choice.chosen else 4


def find_variants(runs: Sequence[StoredRun], name: str) -> StoredRun:
    """The run of that name, which has device variants; by `latest` the newest that has some.

    Raises:
        InputError: if there is no such run, or it has none.
    """
    run = find_run(runs, name, _has_variants)
    if _has_variants(run):
        return run
    having = next(filter(_has_variants, runs), None)
    other = f"Run {having.number}, {having.run_id}, has some." if having else "No run in this folder has any."
    why = why_absent(run.record.nodes, "DeviceModels")
    raise InputError(f"run {run.number}, {run.run_id} ({verdict(run)}): has no device variants: {why}. {other}")


def _has_variants(run: StoredRun) -> bool:
    return _ARTIFACT in run.record.artifacts


def which(run: StoredRun, runs: Sequence[StoredRun], name: str) -> list[str]:
    """A line that says which run is shown, where `latest` is not the newest of all."""
    if name != LATEST or run is runs[0]:
        return []
    newest = runs[0]
    return [f"run {run.number}, {run.run_id}: the newest with device variants; run 1 ({verdict(newest)}) has none", ""]


def read_variants(output: Path, run: StoredRun) -> list[dict[str, Any]]:
    """The entries of a run's variants.json.

    Raises:
        InputError: if the file is not there any longer, or is not what DeviceModels writes.
    """
    path = output / run.record.artifacts[_ARTIFACT] / "variants.json"
    try:
        entries: list[dict[str, Any]] = read_json(path)
        _ENTRIES.validate_python(entries)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"run {run.run_id}: {path} has been removed") from None
    except ValidationError as error:
        raise InputError(f"{path}: not the variants of a run: {misfit(error)}") from None
    if not entries:
        raise InputError(f"{path}: not the variants of a run: expected one or more. Received: none")
    return entries


def lines(entries: Sequence[Mapping[str, Any]], budget: Budget, width: int | None = None) -> list[str]:
    """A table of the variants, smallest first, and the one to ship.

    Args:
        entries: of variants.json.
        budget: what a variant may take.
        width: characters of a line; None for as many as it takes.
    """
    given = candidates(entries)
    choice, on_front = choose(given, budget), front(given)
    order = sorted(range(len(given)), key=lambda place: (not given[place].accepted, given[place].bytes))
    return [
        *aligned(_columns([entries[place] for place in order], choice, on_front), width),
        "",
        f"{_ON_FRONT} on the Pareto front: no other accepted variant is as good in bytes, gzip, p50 and metric",
        _shipped(choice, budget),
    ]


def _columns(entries: Sequence[Mapping[str, Any]], choice: Choice, on_front: frozenset[str]) -> list[Column]:
    marks = [_CHOSEN if entry["name"] == choice.chosen else " " for entry in entries]
    stars = [_ON_FRONT if entry["name"] in on_front else " " for entry in entries]
    names = [f"{mark}{star} {entry['name']}" for mark, star, entry in zip(marks, stars, entries, strict=True)]
    metric = str(entries[0]["metric"]) if entries else "metric"
    return [
        Column("   variant", names),
        Column("bytes", [f"{entry['bytes']:,}" for entry in entries], right=True),
        Column("gzip", [f"{entry['gzip_bytes']:,}" for entry in entries], right=True),
        Column(metric, [_number(entry["value"], metric_form(entry["value"])) for entry in entries], right=True),
        Column("change", [_change(entry) for entry in entries], right=True),
        Column("p50 us", [f"{entry['latency_p50_us']:.0f}" for entry in entries], right=True),
        Column("peak MB", [_megabytes(entry.get("peak_memory_bytes")) for entry in entries], right=True, rank=1),
        Column("why not", [_why(entry, choice, on_front) for entry in entries]),
    ]


def _change(entry: Mapping[str, Any]) -> str:
    return _number(entry.get("change"), metric_form(entry["value"], "+"))


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else rounded(value, form)


def _megabytes(value: int | None) -> str:
    return "-" if value is None else f"{value / 1e6:.1f}"


def _why(entry: Mapping[str, Any], choice: Choice, on_front: frozenset[str]) -> str:
    if not entry["accepted"]:
        return f"rejected: {'; '.join(entry['reasons'])}"
    beaten = [] if entry["name"] in on_front else ["beaten by another"]
    return "; ".join([*choice.unfit.get(entry["name"], ()), *beaten])


def _shipped(choice: Choice, budget: Budget) -> str:
    asked = ", ".join(f"{key} <= {most:,g}" for key, most in asdict(budget).items() if most is not None)
    within = f" within {asked}" if asked else ""
    if choice.chosen:
        return f"{_CHOSEN} to ship: {choice.chosen}, the best metric of the accepted variants{within}"
    return f"no accepted variant fits{within}"


def _as_json(
    run: StoredRun, entries: Sequence[Mapping[str, Any]], given: Sequence[Candidate], budget: Budget, choice: Choice
) -> dict[str, Any]:
    on_front = front(given)
    variants = [
        {**entry, "pareto": entry["name"] in on_front, "unfit": list(choice.unfit.get(str(entry["name"]), ()))}
        for entry in entries
    ]
    return {"run": run.run_id, "budget": asdict(budget), "chosen": choice.chosen, "variants": variants}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
