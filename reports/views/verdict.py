"""What became of a run, in a few words and numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from reports.artifacts.evaluation import CHANGE, SliceResult
from reports.artifacts.intervals import Estimate
from reports.render.html import BAD, GOOD, Cell, View, metric_number, number
from schema.metrics import Metric
from schema.rounding import metric_form, rounded

_HEADS = {
    "pushed": (GOOD, "Blessed and pushed"),
    "blessed": (GOOD, "Blessed"),
    "not blessed": (BAD, "Not blessed"),
    "failed": (BAD, "Failed"),
    "interrupted": (BAD, "Interrupted"),
    "finished": ("", "Finished; no verdict was asked for"),
}


@dataclass(frozen=True)
class Verdict(View):
    """The run's title, verdict, reasons, and the numbers that one looks for first.

    A record without the key `pushed` is one of which that is not known.
    """

    template: ClassVar[str] = "verdict.html"
    title: str
    record: Mapping[str, Any]
    overall: SliceResult | None
    metric: Metric | None

    def context(self) -> dict[str, Any]:
        """Head, reasons and tiles."""
        mark, head = self.head()
        return {
            "title": self.title,
            "record": self.record,
            "mark": mark,
            "head": head,
            "reasons": self.reasons(),
            "warnings": self.warnings(),
            "tiles": list(self.tiles()),
        }

    def head(self) -> tuple[str, str]:
        """The mark (good, bad or none) and the verdict in words."""
        status = self.record["status"]
        mark, head = _HEADS.get(status, ("", status))
        if self.record.get("pushed"):
            head += f" as version {self.record['pushed']['version']}"
        elif "pushed" in self.record and status in ("blessed", "not blessed"):
            head += ", not pushed"
        return mark, head

    def reasons(self) -> list[str]:
        """What is against the model, or what the run failed by; none of a model that is blessed."""
        return [] if self.head()[0] == GOOD else self._reasons()

    def _reasons(self) -> list[str]:
        # A node's error is the reason as well, and may have several lines.
        reasons = self.record.get("reasons") or ([self.record["error"]] if self.record.get("error") else [])
        return [line for reason in reasons for line in reason.splitlines() if line.strip()]

    def warnings(self) -> list[str]:
        """What nodes have to say although they succeeded."""
        return list(self.record.get("warnings") or [])

    def tiles(self) -> Iterator[tuple[Cell, str]]:
        """The numbers that one looks for first, each with what it is."""
        if self.overall is not None and self.metric is not None:
            estimate = self.overall.estimate(self.metric.name)
            form = metric_form(estimate.value)
            told = f"{self.metric.title} on the test split ({self.metric.unit}){_range(estimate, form)}"
            yield metric_number(estimate.value), told
            change = self.overall.estimate(self.metric.name, CHANGE)
            if self.overall.sides.get(CHANGE):
                told = f"change of {self.metric.title} against the baseline{_range(change, f'+{form}')}"
                yield number(change.value, f"+{form}"), told
        rows = self.record.get("rows") or {}
        if rows:
            yield number(sum(rows.values()), ",.0f"), f"rows, {_spans(self.record['window'])}"
        variants = self.record.get("variants") or []
        if variants:
            accepted = sum(one["accepted"] for one in variants)
            yield number(accepted, ".0f", f" of {len(variants)}"), "device variants accepted"
        if self.record.get("seconds"):
            yield number(self.record["seconds"], ".0f", " s"), "wall time of the run"


def _spans(window: str) -> str:
    return "all spans" if window == ":" else f"spans {window}"


def _range(estimate: Estimate, form: str) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f", 95 % from {rounded(estimate.low, form)} to {rounded(estimate.high, form)}"
