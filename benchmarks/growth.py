"""How time and memory grow with the rows: pure functions of runs at several sizes."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.tables import Table, number

Run = Mapping[str, Any]

# What the issue of this benchmark promises at ten times the rows.
MOST_MEMORY = 1.5


def growth(runs: Sequence[Run]) -> dict[str, list[dict[str, Any]]]:
    """Factors of each run against the first, by node, and for the whole under `process`.

    `rows` is how many times the rows there are, `seconds` how many times the seconds it took (for the whole: beyond
    start-up), and `peak_mb` how many times the memory; None where a number is missing.
    """
    nodes = {node: [_factors(runs[0], run, node) for run in runs[1:]] for node in runs[0]["nodes"]}
    return {**nodes, "process": [_whole(runs[0], run) for run in runs[1:]]}


def _factors(first: Run, run: Run, node: str) -> dict[str, Any]:
    before, after = first["nodes"][node], run["nodes"].get(node, {})
    return {
        "rows": run["rows"] / first["rows"],
        "seconds": _over(after.get("seconds"), before["seconds"]),
        "peak_mb": _over(after.get("peak_mb"), before["peak_mb"]),
    }


def _whole(first: Run, run: Run) -> dict[str, Any]:
    return {
        "rows": run["rows"] / first["rows"],
        "seconds": _over(run["seconds"] - run["startup_s"], first["seconds"] - first["startup_s"]),
        "peak_mb": _over(run["peak_mb"], first["peak_mb"]),
    }


def _over(after: float | None, before: float | None) -> float | None:
    return after / before if after is not None and before else None


def tables(runs: Sequence[Run]) -> list[Table]:
    """Seconds and memory of each node at each size, with the growth against the first."""
    grown = growth(runs)
    return [
        _table("Seconds, and how many times those of the first size", runs, grown, "seconds", ",.1f"),
        _table("Peak memory of the process tree in MiB, and growth", runs, grown, "peak_mb", ",.0f"),
    ]


def _table(title: str, runs: Sequence[Run], grown: Mapping[str, Any], key: str, form: str) -> Table:
    head = ("node", *(f"{run['rows']:,} rows" for run in runs), *(f"{run['times']}x" for run in runs[1:]))
    rows = [
        (node, *(number(run["nodes"].get(node, {}).get(key), form) for run in runs), *_cells(grown[node], key))
        for node in runs[0]["nodes"]
    ]
    whole = [run["seconds"] - run["startup_s"] if key == "seconds" else run[key] for run in runs]
    name = "process beyond start-up" if key == "seconds" else "process"
    rows.append((name, *(number(value, form) for value in whole), *_cells(grown["process"], key)))
    return Table(title, head, tuple(rows))


def _cells(factors: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    return [number(factor[key], ".2f") for factor in factors]


def verdict(runs: Sequence[Run]) -> list[str]:
    """Whether time grows no more than the rows, and no node's memory more than half as much again."""
    last = {name: factors[-1] for name, factors in growth(runs).items()}
    slow, large = last["process"], _largest(last)
    return [
        f"time beyond start-up at {slow['rows']:g} times the rows: {number(slow['seconds'], '.1f')} times, "
        f"{_word(slow['seconds'], slow['rows'])} {slow['rows']:g}",
        f"largest growth of a node's memory: {large}, {number(last[large]['peak_mb'], '.2f')} times, "
        f"{_word(last[large]['peak_mb'], MOST_MEMORY)} {MOST_MEMORY:g}",
    ]


def _largest(last: Mapping[str, Mapping[str, Any]]) -> str:
    return max(last, key=lambda name: last[name]["peak_mb"] or 0.0)


def _word(value: float | None, most: float) -> str:
    if value is None:
        return "unknown against"
    return "within" if value <= most else "MORE than"
