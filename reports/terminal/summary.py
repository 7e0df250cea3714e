"""A run on one screen: pure functions from the record to lines of text."""

import math
from collections.abc import Mapping
from textwrap import wrap
from typing import Any

from reports.runs.run_record import RunRecord
from schema.metrics import why_undefined
from schema.rounding import metric_form, rounded

_MARKS = {"ran": "✓", "cached": "=", "skipped": "·", "failed": "✗"}

# Lines of one screen, and those of it that the run's header and its closing lines take; one more if it pushed.
_SCREEN = 40
_AROUND = 6
# A head and two lines.
_LEAST_VARIANTS = 3
_REASONS = 6
_WARNED_LINES = 4
_SHORT = {"root_mean_squared_error": "rmse"}
# Characters of a line that is made of sentences.
_WIDE = 100


def node_line(node: str, status: str, seconds: float) -> str:
    """One node's line: its mark, name, status and seconds."""
    return f"  {_MARKS[status]} {node:<18}{status:<9}{seconds:>7.1f} s"


def result_lines(record: RunRecord, more_variants: str) -> list[str]:
    """Metrics, variants and verdict of a run, in what its nodes leave of one screen.

    Args:
        record: the run's.
        more_variants: the command that lists those device variants too that find no room.
    """
    metrics = [*_training(record), *_metrics(record)]
    warned = _warnings(record)
    room = _SCREEN - _AROUND - bool(record.pushed) - len(record.nodes) - len(_spaced(metrics, warned))
    # One more for the empty line above each block.
    least = _LEAST_VARIANTS + 1 if record.variants else 0
    verdict = _verdict(record, room - least - 1)
    left = room - len(_spaced(verdict)) - 1
    return _spaced(metrics, _variants(record, max(left, _LEAST_VARIANTS), more_variants), warned, verdict)


def _spaced(*blocks: list[str]) -> list[str]:
    return [line for block in blocks if block for line in ("", *block)]


def _number(value: float | None, form: str) -> str:
    return "undefined" if value is None or not math.isfinite(value) else rounded(value, form)


def _training(record: RunRecord) -> list[str]:
    """How the model was trained, and what followed the rows; nothing where the run has no record of it."""
    found = record.training
    if not found:
        return []
    steps = f"{found['epochs_run'] * found['steps_per_epoch']:,} steps of {found['batch_size']:,} rows"
    together = f" x {found['replicas']}" if found["replicas"] > 1 else ""
    epochs = f"{found['epochs_run']} of {found['epochs']} epochs"
    lines = [f"  trained  {steps}{together}, {epochs}; {_comparison(found['comparison'])}"]
    if found["derived"]:
        settings = ", ".join(f"{name} {found[name]}" for name in found["derived"])
        lines.append(f"  set by the number of rows ({found['rows']:,}): {settings}")
    if found["warm_start"]:
        taken = found["warm_start"]
        lines.append(f"  warm start: {taken['taken']} of {taken['tensors']} tensors taken over")
    return lines


def _comparison(found: Mapping[str, Any]) -> str:
    own, linear, constant = (rounded(found[key], ".4g") for key in ("candidate", "linear", "constant"))
    return f"eval {_SHORT.get(found['metric'], found['metric'])} {own} (linear {linear}, constant {constant})"


def _warnings(record: RunRecord) -> list[str]:
    """What nodes have to say, in lines of a terminal; what finds no room is counted."""
    lines = [
        line for one in record.warnings for line in wrap(one, _WIDE, initial_indent="  ! ", subsequent_indent="    ")
    ]
    if len(lines) <= _WARNED_LINES:
        return lines
    return [*lines[: _WARNED_LINES - 1], f"    and more, of {len(record.warnings)} warnings: see run.json"]


def _metrics(record: RunRecord) -> list[str]:
    candidate, baseline = record.metrics["candidate"], record.metrics["baseline"]
    if not candidate:
        return []
    head = f"  {'test split':<22}{'candidate':>11}"
    lines = [head + (f"{'baseline':>11}{'change':>11}" if baseline else "   (no baseline)")]
    for name, value in sorted(candidate.items(), key=lambda item: item[0] != "example_count"):
        counted = name == "example_count"
        line = f"  {name:<22}{_number(value, ',.0f' if counted else metric_form(value)):>11}"
        if name in baseline and not counted:
            old, form = baseline[name], metric_form(value, "+")
            line += f"{_number(old, metric_form(old)):>11}{_number(value - old, form):>11}"
        lines.append(line + _why(name, value, candidate))
    return lines


def _why(name: str, value: float, metrics: Mapping[str, float]) -> str:
    """Why a metric has no value, where the rows are known; else nothing."""
    rows = metrics.get("example_count", math.nan)
    return f"   ({why_undefined(name, int(rows))})" if not math.isfinite(value) and math.isfinite(rows) else ""


def _variants(record: RunRecord, room: int, more: str) -> list[str]:
    """A line a variant under a head, and why not of those rejected, in at most `room` lines, 3 or more."""
    if not record.variants:
        return []
    metric = record.variants[0]["metric"]
    widths = max(16, *(len(variant["name"]) + 2 for variant in record.variants)), max(9, len(metric) + 2)
    head = f"  {'device variant':<{widths[0]}}{'bytes':>10}{'gzip':>10}{metric:>{widths[1]}}"
    lines = [f"{head}{'change':>9}{'95 %':>9}{'p50':>8}  verdict", *(_variant(one, *widths) for one in record.variants)]
    if len(lines) <= room:
        return [*lines, *_reasons(record, room - len(lines))]
    rest = record.variants[room - 2 :]
    accepted = sum(variant["accepted"] for variant in rest)
    return [*lines[: room - 1], f"  and {len(rest)} more, {accepted} of them accepted: see {more}"]


def _variant(variant: dict[str, Any], name_width: int, metric_width: int) -> str:
    return (
        f"  {variant['name']:<{name_width}}{variant['bytes']:>10,}{variant['gzip_bytes']:>10,}"
        f"{_number(variant['value'], metric_form(variant['value'])):>{metric_width}} {_change(variant):>17}"
        f"{variant['latency_p50_us']:>5.0f} µs  " + ("accepted" if variant["accepted"] else "rejected")
    )


def _change(variant: dict[str, Any]) -> str:
    """The change and how far its interval reaches from it; of a run of before they were recorded neither."""
    change, low, high = (variant.get(key) for key in ("change", "change_low", "change_high"))
    if change is None:
        return ""
    form = metric_form(variant["value"])
    # Two digits where the exponent takes room.
    short = form.replace(".3e", ".1e")
    reach = "" if low is None or high is None else f"±{rounded(max(high - change, change - low), short)}"
    return f"{rounded(change, f'+{form}')}{reach:>9}"


def _reasons(record: RunRecord, room: int) -> list[str]:
    """Why not: the first reason and the cause of each loss; nothing where that has no room, since run.json has it."""
    rejected = [variant for variant in record.variants if not variant["accepted"]]
    told = [f"{variant['name']} rejected: {_told(variant)}" for variant in rejected]
    lines = [line for one in told for line in wrap(one, _WIDE, initial_indent="  ", subsequent_indent="    ")]
    return lines if len(lines) <= room else []


def _told(variant: dict[str, Any]) -> str:
    first, *others = variant["reasons"] or ["no reason given"]
    more = f" (and {len(others)} more)" if others else ""
    cause = f"; {variant['cause']}" if variant.get("cause") else ""
    return f"{first}{more}{cause}"


def _verdict(record: RunRecord, room: int) -> list[str]:
    """What became of the run, and why it was not blessed: at most `room` lines, and one reason in any case."""
    if record.status == "failed":
        first, *rest = (record.error or "no message").splitlines()
        return [f"  failed: {first}", *(f"  {line}" for line in rest[:_REASONS])]
    if record.pushed:
        return [f"  blessed and pushed: version {record.pushed['version']}"]
    if record.blessed:
        return ["  blessed, not pushed"]
    if not record.reasons:
        return []
    # Without the head, and the line that counts those that find no room.
    fit = len(record.reasons) if len(record.reasons) < room else max(room - 2, 1)
    shown = [f"    {reason}" for reason in record.reasons[: min(fit, _REASONS)]]
    more = len(record.reasons) - len(shown)
    return ["  not blessed, not pushed:", *shown, *([f"    and {more} more: see run.json"] if more else [])]
