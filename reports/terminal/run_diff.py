"""What tells two runs apart: pure functions from their records, spans and slices to text."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.artifacts.evaluation import CANDIDATE, EXAMPLE_COUNT, OVERALL, Metrics
from reports.runs.stored_runs import StoredRun
from reports.terminal.columns import Column, aligned, cut
from reports.terminal.run_list import main_metric, verdict, when
from schema.rounding import metric_form, metric_text, rounded

SHOWN_SLICES = 15
_ABSENT = "(absent)"
_VALUE_WIDTH = 44
# How a run was started, and copies of what stands elsewhere in the config.
_LEFT_OUT = ("command", "lineage.problem", "lineage.seed")
_ENVIRONMENT = "environment."

Spans = Sequence[Mapping[str, Any]]
Slices = Mapping[str, Mapping[str, Metrics]]


@dataclass(frozen=True)
class Side:
    """One of the two runs.

    Attributes:
        run: its record and config.
        spans: the entries of its Examples' `spans.json`, see components.data.span_store; None if it is not there.
        slices: metrics by slice and model, see reports.artifacts.evaluation.sliced_metrics; None if its evaluation is
            not there.
    """

    run: StoredRun
    spans: Spans | None = None
    slices: Slices | None = None

    @property
    def name(self) -> str:
        """How lines speak of it."""
        return f"run {self.run.number}"


def diff_lines(one: Side, other: Side, *, width: int | None = None) -> list[str]:
    """What changes from the first run to the second: config, data, metrics, slices and variants.

    A part without a difference is left out. What cannot be compared is said, last.

    Args:
        one: the first run.
        other: the second.
        width: characters of a line; None for as many as it takes.
    """
    parts = [part(one, other) for part in (_config, _data, _metrics, _slices, _variants)]
    changed = [line for part in parts if part for line in ("", *part)]
    unknown = _unknown(one, other)
    if not changed:
        known = "in what both recorded" if unknown else "in config, data, metrics and variants"
        changed = ["", f"  the same {known}"]
    lines = [_head(one), _head(other), *changed, *(["", *unknown] if unknown else [])]
    return [cut(line, width) for line in lines]


def _head(side: Side) -> str:
    named = f", {side.run.problem}" if side.run.problem else ""
    return f"{side.name}, {side.run.run_id}{named}: {verdict(side.run)}, {when(side.run)} UTC"


def _unknown(one: Side, other: Side) -> list[str]:
    sides = (one, other)
    missing = {
        "config: not recorded by {}": [side for side in sides if not side.run.config],
        "data: the spans of {} are not known: Examples were pruned, or not recorded": [
            side for side in sides if side.spans is None
        ],
        "slices: the evaluation of {} was pruned, or not recorded, or there was none": [
            side for side in sides if side.slices is None
        ],
    }
    return [f"  {text.format(_names(lacking))}" for text, lacking in missing.items() if lacking]


def _names(sides: Sequence[Side]) -> str:
    return " and ".join(side.name for side in sides)


def _config(one: Side, other: Side) -> list[str]:
    if not (one.run.config and other.run.config):
        windows = one.run.window, other.run.window
        return ["config", f"  window  {windows[0]} -> {windows[1]}"] if windows[0] != windows[1] else []
    before, after = dict(flat(one.run.config)), dict(flat(other.run.config))
    keys = [key for key in {**before, **after} if before.get(key, _ABSENT) != after.get(key, _ABSENT)]
    shown = sorted(key for key in keys if not key.startswith(_LEFT_OUT))
    if not shown:
        return []
    wide = max(len(_told(key)) for key in shown)
    changes = [f"  {_told(key):<{wide}}  {before.get(key, _ABSENT)} -> {after.get(key, _ABSENT)}" for key in shown]
    return ["config", *changes]


def _told(key: str) -> str:
    """As `--set` takes it; the problem's keys say whose they are."""
    return key.removeprefix(_ENVIRONMENT)


def flat(config: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, str]]:
    """The config's values as text, by dotted key; a list is one value."""
    for name, value in config.items():
        if isinstance(value, dict) and value:
            yield from flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", cut(value if isinstance(value, str) else json.dumps(value), _VALUE_WIDTH)


def _data(one: Side, other: Side) -> list[str]:
    if one.spans is None or other.spans is None:
        rows = [sum(side.run.record.rows.values()) for side in (one, other)]
        return ["data", f"  rows  {rows[0]:,} -> {rows[1]:,}"] if rows[0] != rows[1] else []
    before, after = _by_number(one.spans), _by_number(other.spans)
    added = [after[number] for number in after if number not in before]
    removed = [before[number] for number in before if number not in after]
    changed = [number for number in before if number in after and _content(before[number]) != _content(after[number])]
    lines = [_listed(what, spans) for what, spans in (("added", added), ("removed", removed)) if spans]
    lines += [
        f"  span {number} changed: {_rows([before[number]]):,} -> {_rows([after[number]]):,} rows" for number in changed
    ]
    return ["data", *lines] if lines else []


def _by_number(spans: Spans) -> dict[int, Mapping[str, Any]]:
    return {int(span["span"]): span for span in sorted(spans, key=lambda span: int(span["span"]))}


def _content(span: Mapping[str, Any]) -> str:
    """What stands for the span's content: the name of the folder that it was converted into."""
    return Path(str(span["folder"])).name


def _rows(spans: Spans) -> int:
    return sum(sum(span["rows"].values()) for span in spans)


def _listed(what: str, spans: Spans) -> str:
    numbers = ranges([int(span["span"]) for span in spans])
    return f"  span{'s' * (len(spans) > 1)} {numbers} {what}: {_rows(spans):,} rows"


def ranges(numbers: Sequence[int]) -> str:
    """Rising numbers in short: [1, 2, 3, 7] is "1 to 3, 7"."""
    groups: list[list[int]] = []
    for number in numbers:
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return ", ".join(f"{group[0]} to {group[-1]}" if len(group) > 1 else str(group[0]) for group in groups)


def _metrics(one: Side, other: Side) -> list[str]:
    before, after = (side.run.record.metrics.get(CANDIDATE, {}) for side in (one, other))
    names = [name for name in {**before, **after} if _differ(before.get(name), after.get(name))]
    if not names:
        return []
    return _table("metrics", names, [(before.get(name), after.get(name)) for name in names], (one, other))


def _differ(before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return before is not after
    return before != after and not (math.isnan(before) and math.isnan(after))


def _table(
    head: str, names: Sequence[str], pairs: Sequence[tuple[float | None, float | None]], sides: tuple[Side, Side]
) -> list[str]:
    columns = [
        Column(head, [f"  {name}" for name in names]),
        *(
            Column(side.name, [_number(name, pair[place]) for name, pair in zip(names, pairs, strict=True)], right=True)
            for place, side in enumerate(sides)
        ),
        Column("change", [_change(name, *pair) for name, pair in zip(names, pairs, strict=True)], right=True),
    ]
    return aligned(columns)


def _number(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    if not math.isfinite(value):
        return "undefined"
    return rounded(value, ",.0f" if name == EXAMPLE_COUNT else metric_form(value))


def _change(name: str, before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return ""
    if not math.isfinite(after - before):
        return "undefined"
    return rounded(after - before, "+,.0f" if name == EXAMPLE_COUNT else metric_form(before or after, "+"))


def _slices(one: Side, other: Side) -> list[str]:
    main = main_metric(one.run) or main_metric(other.run)
    if one.slices is None or other.slices is None or main is None:
        return []
    metric = main[0]
    before, after = _of_slices(one.slices, metric), _of_slices(other.slices, metric)
    both = [name for name in before if name in after and before[name][0] != after[name][0]]
    both.sort(key=lambda name: abs(after[name][0] - before[name][0]), reverse=True)
    lines = _slice_table(metric, both[:SHOWN_SLICES], before, after, (one, other)) if both else []
    if len(both) > SHOWN_SLICES:
        lines.append(f"  and {len(both) - SHOWN_SLICES} slices with a smaller change")
    for side, own, others in ((one, before, after), (other, after, before)):
        alone = [name for name in own if name not in others]
        if alone:
            few = ", ".join(alone[:3]) + (", ..." if len(alone) > 3 else "")
            lines.append(f"  {len(alone)} slice{'s' * (len(alone) > 1)} of {side.name} alone: {few}")
    return lines


def _of_slices(slices: Slices, metric: str) -> dict[str, tuple[float, int]]:
    """The metric and the rows of each slice where the metric is a number."""
    found = {name: models.get(CANDIDATE, {}) for name, models in slices.items() if name != OVERALL}
    return {
        name: (values[metric], int(values.get(EXAMPLE_COUNT, 0)))
        for name, values in found.items()
        if math.isfinite(values.get(metric, math.nan))
    }


def _slice_table(
    metric: str,
    names: Sequence[str],
    before: Mapping[str, tuple[float, int]],
    after: Mapping[str, tuple[float, int]],
    sides: tuple[Side, Side],
) -> list[str]:
    columns = [
        Column(f"{metric} by slice", [f"  {name}" for name in names]),
        *(
            Column(side.name, [metric_text(held[name][0]) for name in names], right=True)
            for side, held in zip(sides, (before, after), strict=True)
        ),
        Column("change", [_change(metric, before[name][0], after[name][0]) for name in names], right=True),
        Column("n", [_pair(f"{before[name][1]:,}", f"{after[name][1]:,}") for name in names], right=True),
    ]
    return aligned(columns)


def _pair(before: str, after: str) -> str:
    return before if before == after else f"{before} -> {after}"


def _variants(one: Side, other: Side) -> list[str]:
    before, after = ({v["name"]: v for v in side.run.record.variants} for side in (one, other))
    names = [name for name in {**before, **after} if _scores(before.get(name)) != _scores(after.get(name))]
    if not names:
        return []
    pairs = [(_scores(before.get(name)), _scores(after.get(name))) for name in names]
    columns = [
        Column("device variant", [f"  {name}" for name in names]),
        *(
            Column(head, [_pair(pair[0][place], pair[1][place]) for pair in pairs], right=place < 2)
            for place, head in enumerate(("bytes", _variant_metric([*before.values(), *after.values()]), "verdict"))
        ),
    ]
    return aligned(columns)


def _variant_metric(variants: Sequence[Mapping[str, Any]]) -> str:
    return str(variants[0].get("metric", "metric"))


def _scores(variant: Mapping[str, Any] | None) -> tuple[str, str, str]:
    """Bytes, metric and verdict, as they are shown; its speed is measured anew each time and tells nothing."""
    if variant is None:
        return "-", "-", "-"
    value = variant.get("value")
    return (
        f"{variant.get('bytes', 0):,}",
        _number("", math.nan if value is None else value),
        "accepted" if variant.get("accepted") else "rejected",
    )
