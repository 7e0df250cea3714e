"""The evaluation: metrics against baseline and bounds, curves, and slices."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from reports.artifacts.bounds import Bound
from reports.artifacts.curves import Curves
from reports.artifacts.evaluation import BASELINE, CANDIDATE, CHANGE, EXAMPLE_COUNT, OVERALL, SliceResult
from reports.artifacts.intervals import Estimate
from reports.charts import curves as charts
from reports.charts.canvas import Chart
from reports.charts.slices import forest
from reports.render.html import (
    BAD,
    GOOD,
    NOTE,
    Absent,
    Cell,
    Column,
    Table,
    View,
    change_interval,
    metric_interval,
    metric_number,
    number,
    words,
)
from schema.closed import nearest
from schema.errors import InputError
from schema.metrics import MAIN, Metric, metrics_of, why_undefined
from schema.problem import Task
from schema.rounding import metric_form, rounded

# A forest of more slices than this is no longer one that a person reads: the worst are drawn, all are in the table.
_DRAWN = 40
_WORST = 3
# Slices on which a metric is undefined that are named; the others are counted.
_NAMED_UNDEFINED = 3
ON_INTERVALS = (
    "Intervals are of 95 %, by a jackknife that leaves out whole values of the split key: rows of one are not "
    "independent of each other."
)
NO_BASELINE = "There is no baseline: no other model was released before this one."
_HELD, _MISSED, _FEW = "held", "missed", "not judged: few rows"


@dataclass(frozen=True)
class Evaluation(View):
    """All that was measured on the test split.

    Attributes:
        task: of the problem.
        slices: all of them, the whole test split first.
        curves: by slice and model.
        bounds: what was held to.
        classes: names of the classes, in order.
        threshold: probability from which the positive class is decided.
        min_slice_rows: rows below which a slice is shown but not judged.
    """

    template: ClassVar[str] = "evaluation.html"
    task: Task
    slices: Sequence[SliceResult]
    curves: Mapping[str, Mapping[str, Curves]]
    bounds: Sequence[Bound] = ()
    classes: Sequence[str] = ()
    threshold: float = 0.5
    min_slice_rows: int = 1000
    metric: Metric = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "metric", metrics_of(self.task)[MAIN[self.task]])

    @property
    def overall(self) -> SliceResult:
        """The whole test split."""
        return self.slices[0]

    @property
    def has_baseline(self) -> bool:
        """Whether an earlier model was evaluated beside the candidate."""
        return bool(self.overall.sides.get(BASELINE))

    @property
    def metrics(self) -> list[Metric]:
        """What was measured, the main metric first."""
        known = [one for one in metrics_of(self.task).values() if one.name in self.overall.sides[CANDIDATE]]
        return sorted(known, key=lambda one: one.name != self.metric.name)

    @property
    def has_intervals(self) -> bool:
        """Whether values have intervals."""
        return self.overall.estimate(self.metric.name).low is not None

    def estimate(self, one: SliceResult, metric: Metric, side: str = CANDIDATE) -> Estimate:
        """The estimate; NaN where a slice has one class alone, for which TFMA gives an AUC of 0."""
        if metric.name in ("auc", "pr_auc") and self.is_one_class(one):
            return Estimate(math.nan)
        return one.estimate(metric.name, side)

    def is_one_class(self, one: SliceResult) -> bool:
        """Whether all rows of a slice have one label."""
        decisions = self.curves.get(one.name, {}).get(CANDIDATE, Curves()).decisions
        return decisions is not None and decisions.one_class

    def judged(self) -> list[SliceResult]:
        """Slices with rows enough to be judged and a main metric, the worst first."""
        found = [
            one
            for one in self.slices[1:]
            if one.rows >= self.min_slice_rows and not math.isnan(self.estimate(one, self.metric).value)
        ]
        sign = -1 if self.metric.higher_is_better is False else 1
        return sorted(found, key=lambda one: sign * self.estimate(one, self.metric).value)

    def slice(self, name: str) -> "OneSlice":
        """One slice by its name, such as `carrier=UA`.

        Raises:
            InputError: if there is none, with the nearest name.
        """
        for one in self.slices:
            if one.name == name:
                return OneSlice(self, one)
        raise InputError(f"no slice '{name}' in this evaluation.{nearest(name, [one.name for one in self.slices])}")

    def worst(self) -> "OneSlice":
        """The worst slice of those that are judged; all rows where none is."""
        return OneSlice(self, (self.judged() or [self.overall])[0])

    def against_baseline(self) -> View:
        """What changed on each slice from the model that is released."""
        if not self.has_baseline:
            return Absent("Nothing to show", NO_BASELINE)
        return Changes(self)

    def context(self) -> dict[str, Any]:
        """Tables, drawings and the worst slices."""
        judged, label = self.judged(), f"{self.metric.title} ({self.metric.unit})"
        return {
            "no_baseline": "" if self.has_baseline else NO_BASELINE,
            "on_intervals": ON_INTERVALS if self.has_intervals else "",
            "metrics": self.table(),
            "undefined": self.undefined(),
            "charts": self.slice(OVERALL).drawings(),
            "worst": self.worst_slices(),
            "forest": forest(self._drawn(judged), self.overall, self.metric.name, label) if judged else None,
            "left_out": max(0, len(judged) - _DRAWN),
            "slices": self.slice_table() if len(self.slices) > 1 else None,
            "count": len(self.slices) - 1,
            "few": sum(one.rows < self.min_slice_rows for one in self.slices[1:]),
            "min_slice_rows": self.min_slice_rows,
        }

    def undefined(self) -> list[str]:
        """A sentence for each metric that has no value on some slice: why, and of how many rows."""
        return [self._undefined(metric, slices) for metric in self.metrics if (slices := self._without(metric))]

    def _without(self, metric: Metric) -> list[SliceResult]:
        return [one for one in self.slices if math.isnan(self.estimate(one, metric).value)]

    def _undefined(self, metric: Metric, slices: Sequence[SliceResult]) -> str:
        named = ", ".join(f"{one.name} ({why_undefined(metric.name, one.rows)})" for one in slices[:_NAMED_UNDEFINED])
        more = f" and {len(slices) - _NAMED_UNDEFINED} more slices" if len(slices) > _NAMED_UNDEFINED else ""
        return f"{metric.name} is not defined on {named}{more}."

    def worst_slices(self) -> list[dict[str, Any]]:
        """The worst slices of those that are judged: what a sentence says of each."""
        return [self._sentence(one) for one in self.judged()[:_WORST]]

    def _drawn(self, judged: Sequence[SliceResult]) -> list[SliceResult]:
        """By feature and value where all are drawn; else the worst."""
        if len(judged) > _DRAWN:
            return list(judged[:_DRAWN])
        return [one for one in self.slices if one in judged]

    def _sentence(self, one: SliceResult) -> dict[str, Any]:
        estimate, whole = self.estimate(one, self.metric), self.estimate(self.overall, self.metric)
        apart = (
            estimate.low is not None and estimate.high is not None and not estimate.low <= whole.value <= estimate.high
        )
        return {
            "name": one.name,
            "rows": f"{one.rows:,}",
            "told": metric_interval(estimate).text,
            "difference": rounded(estimate.value - whole.value, metric_form(whole.value, "+")),
            "apart": apart,
        }

    def table(self) -> Table:
        """A line a metric of the whole test split."""
        columns = [Column("metric", is_number=False), Column("unit", is_number=False), Column("candidate [95 %]")]
        if self.has_baseline:
            columns += [Column("baseline"), Column("change [95 %]")]
        columns.append(Column("bound", is_number=False))
        count = self.overall.estimate(EXAMPLE_COUNT)
        rows = [words("example_count"), words("rows"), number(count.value, ",.0f")]
        lines = [[*rows, *([words(""), words("")] if self.has_baseline else []), words("")]]
        return Table("Metrics of the test split", columns, lines + [self._line(metric) for metric in self.metrics])

    def _line(self, metric: Metric) -> list[Cell]:
        found = self.estimate(self.overall, metric)
        line = [words(metric.name), words(metric.unit), metric_interval(found)]
        if self.has_baseline:
            line.append(metric_number(self.estimate(self.overall, metric, BASELINE).value))
            line.append(change_interval(self.estimate(self.overall, metric, CHANGE), found.value))
        return [*line, self._judged(metric)]

    def _judged(self, metric: Metric) -> Cell:
        held = [bound for bound in self.bounds if bound.metric == metric.name and not bound.features]
        # A first model has nothing to change against.
        held = [bound for bound in held if self.has_baseline or not bound.kind.endswith("change")]
        told, mark = [], GOOD if held else ""
        for bound in held:
            side = CHANGE if bound.kind.endswith("change") else CANDIDATE
            holds = bound.holds(self.overall.estimate(metric.name, side).value)
            told.append(f"{bound}{' held' if holds else ' missed'}")
            mark = mark if holds else BAD
        return words(", ".join(told), mark)

    def slice_table(self) -> Table:
        """A line a slice with every metric; a slice is judged from min_slice_rows rows on."""
        columns = [Column("slice", is_number=False), Column("rows")]
        columns.append(Column(f"{self.metric.name} [95 %]", self.metric.unit))
        if self.has_baseline:
            columns.append(Column(f"change of {self.metric.name} [95 %]"))
        others = [metric for metric in self.metrics if metric is not self.metric]
        columns += [Column(metric.name, metric.unit) for metric in others]
        columns.append(Column("judged", is_number=False))
        return Table("Metrics by slice", columns, [self._slice_line(one, others) for one in self.slices])

    def _slice_line(self, one: SliceResult, others: Sequence[Metric]) -> list[Cell]:
        found = self.estimate(one, self.metric)
        line = [self._name(one), number(one.rows, ",.0f"), metric_interval(found)]
        if self.has_baseline:
            line.append(change_interval(self.estimate(one, self.metric, CHANGE), found.value))
        return [*line, *(metric_number(self.estimate(one, metric).value) for metric in others), words(self._told(one))]

    def _name(self, one: SliceResult) -> Cell:
        return words(one.name, BAD if self._told(one) == _MISSED else "")

    def _told(self, one: SliceResult) -> str:
        if one.pairs and one.rows < self.min_slice_rows:
            return _FEW
        held = [self.holds(bound, one) for bound in self.bounds if self.applies(bound, one)]
        if not held:
            return "no bound"
        return _HELD if all(held) else _MISSED

    def applies(self, bound: Bound, one: SliceResult) -> bool:
        """Whether a slice is held to a bound: it is of those features, has rows enough, and what it changes against."""
        features = {name for name, _ in one.pairs}
        judged = not features or one.rows >= self.min_slice_rows
        changes = bound.kind.endswith("change") and not self.has_baseline
        return features == set(bound.features) and judged and not changes

    def holds(self, bound: Bound, one: SliceResult) -> bool:
        """Whether a slice is within a bound."""
        side = CHANGE if bound.kind.endswith("change") else CANDIDATE
        return bound.holds(one.estimate(bound.metric, side).value)


@dataclass(frozen=True)
class Changes(View):
    """Candidate and baseline side by side on each slice: those that are judged first, and of them the largest loss."""

    template: ClassVar[str] = "changes.html"
    evaluation: Evaluation

    def context(self) -> dict[str, Any]:
        """The table, and how many slices became worse."""
        found = self.evaluation
        judged = found.judged()
        return {
            "metric": found.metric,
            "worse": sum(self._loss(one) > 0 for one in judged),
            "judged": len(judged),
            "min_slice_rows": found.min_slice_rows,
            "changes": self.table(),
        }

    def _loss(self, one: SliceResult) -> float:
        """By how much the slice became worse; minus infinity where that is not defined."""
        metric = self.evaluation.metric
        change = self.evaluation.estimate(one, metric, CHANGE).value
        if math.isnan(change):
            return -math.inf
        return -change if metric.higher_is_better else change

    def table(self) -> Table:
        """A line a slice."""
        found, metric = self.evaluation, self.evaluation.metric
        columns = [Column("slice", is_number=False), Column("rows")]
        columns += [Column(f"{metric.name} [95 %]", metric.unit), Column("baseline"), Column("change [95 %]")]
        # What changes most is else a slice of a handful of rows.
        ordered = sorted(found.slices[1:], key=lambda one: (one.rows < found.min_slice_rows, -self._loss(one)))
        return Table("Changes by slice", columns, [self._line(one) for one in (found.overall, *ordered)])

    def _line(self, one: SliceResult) -> list[Cell]:
        found, metric = self.evaluation, self.evaluation.metric
        worse = self._loss(one) > 0 and one.rows >= found.min_slice_rows
        now = found.estimate(one, metric)
        change = replace(change_interval(found.estimate(one, metric, CHANGE), now.value), mark=NOTE if worse else "")
        return [
            words(one.name),
            number(one.rows, ",.0f"),
            metric_interval(now),
            metric_number(found.estimate(one, metric, BASELINE).value),
            change,
        ]


@dataclass(frozen=True)
class OneSlice(View):
    """One slice of an evaluation, drilled into."""

    template: ClassVar[str] = "slice.html"
    evaluation: Evaluation
    one: SliceResult

    def context(self) -> dict[str, Any]:
        """Metrics beside those of all rows, and curves."""
        return {"name": self.one.name, "rows": self.one.rows, "metrics": self.table(), "charts": self.drawings()}

    def table(self) -> Table:
        """A line a metric."""
        whole, found = self.evaluation.overall, self.evaluation
        columns = [Column("metric", is_number=False), Column("unit", is_number=False), Column("this slice [95 %]")]
        columns.append(Column("all rows"))
        if found.has_baseline:
            columns.append(Column("change against the baseline [95 %]"))
        lines = []
        for metric in found.metrics:
            own = found.estimate(self.one, metric)
            line = [words(metric.name), words(metric.unit), metric_interval(own)]
            line.append(metric_number(found.estimate(whole, metric).value))
            if found.has_baseline:
                line.append(change_interval(found.estimate(self.one, metric, CHANGE), own.value))
            lines.append(line)
        return Table(f"Metrics of {self.one.name}", columns, lines)

    def drawings(self) -> list[Chart]:
        """The curves that the task has."""
        models = self.evaluation.curves.get(self.one.name, {})
        decisions = {name: found.decisions for name, found in models.items() if found.decisions is not None}
        decisions = {name: found for name, found in decisions.items() if not found.one_class}
        shares = {name: found.calibration for name, found in models.items() if found.calibration is not None}
        confusion = models.get(CANDIDATE, Curves()).confusion
        drawn = []
        if decisions:
            drawn += [charts.roc(decisions, self.evaluation.threshold)]
            drawn += [charts.precision_recall(decisions, self.evaluation.threshold)]
        if shares:
            drawn.append(charts.calibration(shares))
        if confusion is not None:
            drawn.append(charts.confusion(confusion, self.evaluation.classes))
        return drawn
