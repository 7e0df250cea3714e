"""What the model was held to, and whether it held."""

from collections.abc import Iterator
from itertools import groupby

from reports.artifacts.bounds import Bound
from reports.artifacts.evaluation import CANDIDATE, CHANGE
from reports.render.html import BAD, GOOD, Cell, Column, Table, number, words
from reports.render.parts import Bullets, Part, Tabulated, Topic
from reports.runs.collected import read
from reports.runs.run import Run
from reports.views.evaluation import Evaluation
from schema.rounding import metric_form


def verdicts(run: Run) -> Topic:
    """A line a bound, one of the serving check and one of the device variants; reasons against serving below."""
    columns = [Column("held to", is_number=False), Column("bound", is_number=False), Column("measured")]
    columns.append(Column("verdict", is_number=False))
    serving = read(run.artifact("ServingValidator.verdict") / "verdict.json")
    lines = [*_bounds(run.evaluation), _serving(serving["passed"], serving["rows"]), _devices(run)]
    parts: list[Part] = [Tabulated(Table("Bounds and verdicts", columns, lines, sortable=False))]
    if serving["reasons"]:
        parts.append(Bullets([f"serving: {reason}" for reason in serving["reasons"]]))
    return Topic("Verdicts", "verdicts", parts)


def _judged(passed: bool) -> Cell:
    return words("held" if passed else "missed", GOOD if passed else BAD)


def _bounds(found: Evaluation) -> Iterator[list[Cell]]:
    for _, same in groupby(found.bounds, key=lambda one: (one.metric, one.kind, one.limit, bool(one.features))):
        yield _bound(found, list(same))


def _bound(found: Evaluation, same: list[Bound]) -> list[Cell]:
    """A line of bounds that differ in their features alone."""
    bound = same[0]
    if bound.features:
        return _of_slices(found, same)
    side = CHANGE if bound.kind.endswith("change") else CANDIDATE
    if side == CHANGE and not found.has_baseline:
        return [words(bound.metric), words(str(bound)), words(""), words("no baseline")]
    value = found.overall.estimate(bound.metric, side).value
    form = metric_form(found.overall.estimate(bound.metric).value, "+" if side == CHANGE else "")
    measured = number(value, form)
    return [words(bound.metric), words(str(bound)), measured, _judged(bound.holds(value))]


def _of_slices(found: Evaluation, same: list[Bound]) -> list[Cell]:
    judged = [(bound, one) for bound in same for one in found.slices if found.applies(bound, one)]
    held = sum(found.holds(bound, one) for bound, one in judged)
    told = f"{same[0].metric}, by {' and by '.join(', '.join(one.features) for one in same)}"
    verdict = _judged(held == len(judged)) if judged else words("no slice to judge")
    return [words(told), words(str(same[0])), number(held, ".0f", f" of {len(judged)} slices"), verdict]


def _serving(passed: bool, rows: int) -> list[Cell]:
    asked = number(rows, ",.0f", " rows asked")
    return [
        words("served alike by both loaders and all signatures"),
        words("no reason against it"),
        asked,
        _passed(passed),
    ]


def _passed(passed: bool) -> Cell:
    return words("passed" if passed else "failed", GOOD if passed else BAD)


def _devices(run: Run) -> list[Cell]:
    variants, needed = run.variants.variants, run.config["problem"]["device"]["min_accepted"]
    accepted = sum(bool(one["accepted"]) for one in variants)
    told = number(accepted, ".0f", f" of {len(variants)}")
    return [words("device variants accepted"), words(f"≥ {needed}"), told, _judged(accepted >= needed)]
