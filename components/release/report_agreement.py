"""Whether the parts of a report that measure the same model on the same slice say the same."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.evaluation.evaluation_counts import Without, slice_counts
from edge.gate.metric_change import OVERALL
from reports.artifacts.evaluation import CANDIDATE, SliceResult
from schema.metrics import MAIN
from schema.problem import Task

# Both parts sum the same answers with the same code, so that they differ by the order of float64 sums, of which a
# ten-thousandth leaves much room: also for a row or two that another machine rounds into another of the 10,000 buckets
# of an AUC. A slice of fewer rows has a coarser step: one row that lies at a threshold, by which an accuracy changes.
_SHARE = 1e-4
_IS_SHARE_OF_ROWS = {MAIN[Task.BINARY], MAIN[Task.MULTICLASS]}

_FIX = (
    "counts: parts of the report disagree on the same model and rows, so that none of its figures can be believed. "
    "Run again with --from Evaluator --no-cache"
)


def disagreements(slices: Sequence[SliceResult], without: Without, variants: Sequence[Mapping[str, Any]]) -> list[str]:
    """One sentence for each slice of which there are two counts or two values of the main metric; last what to do.

    Args:
        slices: of the evaluation.
        without: rows in no slice by a list of features; see components.evaluation.evaluation_counts.
        variants: what variants.json says, where the server model was measured on every slice too.
    """
    sums = [str(count) for count in slice_counts(slices, without) if not count.agrees]
    found = [*sums, *_beside_devices({one.name: one for one in slices}, variants)]
    return [*found, _FIX] if found else []


def _beside_devices(evaluated: Mapping[str, SliceResult], variants: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    # The server model's figures are the same beside every variant; one that could not be scored has none.
    measured = max(variants, key=lambda one: len(one.get("slices", ())), default=None)
    if measured is None or not measured.get("rows"):
        return
    whole = {"slice": OVERALL, "rows": measured["rows"], "server": measured["server"]}
    devices = {one["slice"]: one for one in [whole, *measured["slices"]]}
    for name in dict.fromkeys([*devices, *(evaluated if measured["slices"] else ())]):
        device, found = devices.get(name), evaluated.get(name)
        rows = (found.rows if found else 0, device["rows"] if device else 0)
        if rows[0] != rows[1]:
            yield f"{name}: {rows[0]:,} rows in the evaluation, {rows[1]:,} where the device models were scored"
        metric = measured["metric"]
        if found and device and metric in found.sides[CANDIDATE]:
            yield from _other_value(name, metric, found, device["server"])


def _other_value(name: str, metric: str, found: SliceResult, server: float | None) -> Iterator[str]:
    value = found.estimate(metric).value
    if server is None or not math.isfinite(value):
        if server is not None or math.isfinite(value):
            yield f"{name}: {metric} has a value in one of the evaluation and the device scores alone"
        return
    step = 1 / max(found.rows, 1) if metric in _IS_SHARE_OF_ROWS else 0.0
    allowed = max(_SHARE * max(abs(value), abs(server)), step)
    # A step itself is rounded too.
    if abs(value - server) > allowed * (1 + 1e-9):
        yield (
            f"{name}: {metric} {value:.6g} in the evaluation, {server:.6g} of the same model where the device models "
            "were scored"
        )
