"""Device variants: how good each is, where it changes, what it costs, and its verdict."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from reports.artifacts.intervals import Estimate
from reports.charts.canvas import Chart
from reports.charts.variants import cost, heat
from reports.render.html import BAD, GOOD, Cell, Column, Table, View, change_interval, metric_number, number, words
from schema.metrics import Metric
from schema.rounding import metric_form, rounded

_CHARTS = ("gzip_bytes", "latency_p50_us")
# A run of before a field was recorded does not have it.
_UNKNOWN = "-"


@dataclass(frozen=True)
class Variants(View):
    """The entries of variants.json, the server model's metric, and how much worse a variant may be.

    `drop` is allowed on all rows, `slice_drop` on a slice of `min_slice_rows` or more.
    """

    template: ClassVar[str] = "variants.html"
    variants: Sequence[Mapping[str, Any]]
    metric: Metric
    server: float | None = None
    drop: float = 0.0
    slice_drop: float = 0.0
    min_slice_rows: int = 1000

    def context(self) -> dict[str, Any]:
        """The tables, and drawings of what could be measured."""
        return {
            "quality": self.quality(),
            "costs": self.costs(),
            "rejected": list(self.rejected()),
            "charts": self.drawings(),
            "heat": self.heat(),
            "few": self._few_rows(),
            "min_slice_rows": self.min_slice_rows,
            "unit": "in the label's unit" if self._in_units else f"in thousandths of {self.metric.title}",
        }

    def quality(self) -> Table:
        """How good each is: a line a variant."""
        columns = [
            Column("variant", is_number=False),
            Column("verdict", is_number=False),
            Column(self.metric.name),
            Column("change [95 %]"),
            Column("worst slice", is_number=False),
            *([Column("log loss")] if self._has("log_loss") else []),
            *([Column("calibration")] if self._has("calibration") else []),
            Column("flipped", "%"),
        ]
        return Table("Quality of device variants", columns, [self._quality(one) for one in self.variants])

    def costs(self) -> Table:
        """What each takes: a line a variant."""
        columns = [
            Column("variant", is_number=False),
            Column("front", is_number=False),
            Column("file", "bytes"),
            Column("gzip", "bytes"),
            Column("p50", "µs"),
            Column("p95", "µs"),
            Column("batches", "rows/s"),
            Column("memory", "MB"),
            Column("runtime", is_number=False),
            Column("converter", is_number=False),
            Column("fine-tuned", is_number=False),
        ]
        return Table("Costs of device variants", columns, [_costs(one) for one in self.variants])

    def rejected(self) -> Iterator[tuple[str, list[str]]]:
        """The names of those rejected, each with its reasons and the cause of its loss."""
        for one in self.variants:
            if not one["accepted"]:
                cause = [f"Cause: {one['cause']}."] if one.get("cause") else []
                yield str(one["name"]), [*(f"{reason}." for reason in one["reasons"]), *cause]

    def drawings(self) -> list[Chart]:
        """The metric against what variants cost."""
        if not any(one["value"] is not None for one in self.variants):
            return []
        label = f"{self.metric.title} ({self.metric.unit})"
        return [cost(self.variants, key, label, self.server, self.drop) for key in _CHARTS]

    def heat(self) -> Chart | None:
        """The change by slice and variant; None without a slice that is judged."""
        sliced = [one for one in self.variants if one.get("slices")]
        if not any(part["rows"] >= self.min_slice_rows for one in sliced for part in one["slices"]):
            return None
        better = bool(self.metric.higher_is_better)
        return heat(self.variants, self.min_slice_rows, self.slice_drop, self.metric.title, higher_is_better=better)

    @property
    def _in_units(self) -> bool:
        return self.metric.name == "mean_absolute_error"

    def _few_rows(self) -> int:
        sliced = next((one["slices"] for one in self.variants if one.get("slices")), ())
        return sum(part["rows"] < self.min_slice_rows for part in sliced)

    def _has(self, key: str) -> bool:
        return any(one.get(key) is not None for one in self.variants)

    def _quality(self, one: Mapping[str, Any]) -> list[Cell]:
        accepted, worst = bool(one["accepted"]), one.get("worst_slice") or {}
        return [
            words(one["name"]),
            words("accepted" if accepted else "rejected", GOOD if accepted else BAD),
            metric_number(one["value"]),
            _change(one),
            _worst(worst, one["value"]),
            *([_known(one.get("log_loss"), metric_form(one.get("log_loss")))] if self._has("log_loss") else []),
            *([_known(one.get("calibration"), ".3f")] if self._has("calibration") else []),
            number(100 * one["flip_rate"], ".2f"),
        ]


def _costs(one: Mapping[str, Any]) -> list[Cell]:
    memory = one.get("peak_memory_bytes")
    return [
        words(one["name"]),
        words("yes" if one.get("pareto") else "", GOOD if one.get("pareto") else ""),
        number(one["bytes"], ",.0f"),
        number(one["gzip_bytes"], ",.0f"),
        number(one["latency_p50_us"], ",.0f"),
        number(one["latency_p95_us"], ",.0f"),
        number(one["rows_per_second"], ",.0f"),
        _known(None if memory is None else memory / 1e6, ".1f"),
        words(one.get("minimum_runtime") or _UNKNOWN),
        words(one.get("backend") or _UNKNOWN),
        # None of those made of the trained model itself.
        words(str(one.get("technique") or "").replace("_", " ")),
    ]


def _worst(one: Mapping[str, Any], metric: float | None) -> Cell:
    """The slice that lost most, sorted by how much its metric changed."""
    if not one:
        return words(_UNKNOWN)
    change = rounded(one["change"], metric_form(metric, "+"))
    return Cell(f"{change} on {one['slice']}", sort=one["change"], value=one["change"])


def _known(value: float | None, form: str) -> Cell:
    return words(_UNKNOWN) if value is None else number(value, form)


def _change(one: Mapping[str, Any]) -> Cell:
    change, low, high = (one.get(key) for key in ("change", "change_low", "change_high"))
    return words(_UNKNOWN) if change is None else change_interval(Estimate(change, low, high), one["value"])
