"""The data: rows, statistics with distributions, anomalies, drift."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from reports.artifacts.anomalies import FoundAnomaly
from reports.artifacts.drift import NOTABLE, Drift
from reports.artifacts.statistics import Features, FeatureStatistics
from reports.charts.distribution import distribution
from reports.render.html import BAD, NOTE, Cell, Column, Table, View, number, words

_SHOWN_TOP = 3
_SHOWN_DRIFTS = 8


@dataclass(frozen=True)
class Rows(View):
    """Rows by span and split, as the examples have them."""

    template: ClassVar[str] = "rows.html"
    spans: Sequence[Mapping[str, Any]]

    def context(self) -> dict[str, Any]:
        """Window and table."""
        return {"window": self.window, "rows": self.table(), "total": self.total}

    @property
    def total(self) -> int:
        """Rows of all spans and splits."""
        return sum(self._totals().values())

    @property
    def window(self) -> str:
        """`01 to 12` of the spans, or one."""
        numbers = [span["span"] for span in self.spans]
        return f"{min(numbers)} to {max(numbers)}" if len(numbers) > 1 else str(numbers[0])

    def _totals(self) -> dict[str, int]:
        totals: dict[str, int] = {}
        for span in self.spans:
            for split, rows in span["rows"].items():
                totals[split] = totals.get(split, 0) + rows
        return totals

    def table(self) -> Table:
        """A line a span, and one of all."""
        totals = self._totals()
        splits = [split for split in totals if split != "unlabelled" or totals[split]]
        columns = [Column("span", is_number=False), *(Column(split, "rows") for split in splits)]
        columns.append(Column("content", is_number=False))
        lines = [[Cell("all", sort=-1), *(number(totals[split], ",.0f") for split in splits), words("")]]
        for span in self.spans:
            counts = [number(span["rows"].get(split, 0), ",.0f") for split in splits]
            lines.append([Cell(str(span["span"]), sort=span["span"]), *counts, words(span["content"])])
        return Table("Rows by span and split", columns, lines)


@dataclass(frozen=True)
class Statistics(View):
    """Statistics by feature and split; the first split is what a model learns from."""

    template: ClassVar[str] = "statistics.html"
    splits: Mapping[str, Features]
    encodings: Mapping[str, str]

    @property
    def features(self) -> list[str]:
        """Features of the first split; the model's inputs first."""
        known = list(next(iter(self.splits.values()), {}))
        return sorted(known, key=lambda name: (name not in self.encodings, known.index(name)))

    def context(self) -> dict[str, Any]:
        """A short table with drawings, and the long one."""
        numbers = [name for name in self.features if self._first(name).is_number]
        strings = [name for name in self.features if not self._first(name).is_number]
        return {
            "splits": list(self.splits),
            "numbers": self._numbers(numbers),
            "strings": self._strings(strings),
            "every": self.table(),
        }

    def _first(self, name: str) -> FeatureStatistics:
        return next(iter(self.splits.values()))[name]

    def _of(self, name: str) -> dict[str, FeatureStatistics]:
        return {split: features[name] for split, features in self.splits.items() if name in features}

    def _drawn(self, name: str) -> Cell:
        # More than three would be told apart by nobody.
        chosen = dict(list(self._of(name).items())[:3])
        chart = distribution(name, chosen)
        return words("no value") if chart is None else Cell("", chart=chart)

    def _numbers(self, names: Sequence[str]) -> Table:
        columns = [
            Column("number", is_number=False),
            Column("used as", is_number=False),
            Column("distribution", "share of rows", is_number=False),
            Column("missing", "%"),
            *(Column(label) for label in ("mean", "least", "median", "most")),
        ]
        return Table("Numbers", columns, [self._number(name) for name in names])

    def _number(self, name: str) -> list[Cell]:
        one = self._first(name)
        values = (one.mean, one.least, one.median, one.most)
        return [*self._begun(name), *(number(value, ",.6g") for value in values)]

    def _begun(self, name: str) -> list[Cell]:
        missing = self._first(name).missing_share
        return [
            words(name),
            words(self.encodings.get(name, "not an input")),
            self._drawn(name),
            number(100 * missing, ".1f", mark=NOTE if missing > 0.5 else ""),
        ]

    def _strings(self, names: Sequence[str]) -> Table:
        columns = [
            Column("text", is_number=False),
            Column("used as", is_number=False),
            Column("distribution", "share of rows", is_number=False),
            Column("missing", "%"),
            Column("distinct", "values"),
            Column("most frequent", is_number=False, wraps=True),
        ]
        return Table("Texts", columns, [self._string(name) for name in names])

    def _string(self, name: str) -> list[Cell]:
        one = self._first(name)
        top = ", ".join(f"{value or '(empty)'} {rows / max(one.rows, 1):.1%}" for value, rows in one.top[:_SHOWN_TOP])
        return [*self._begun(name), number(one.distinct, ",.0f"), words(top)]

    def table(self) -> Table:
        """A line a feature and split."""
        columns = [
            Column("feature", is_number=False),
            Column("split", is_number=False),
            Column("rows"),
            Column("missing", "%"),
            *(Column(label) for label in ("mean", "deviation", "least", "median", "most")),
            Column("distinct", "values"),
        ]
        lines = [self._line(name, split, one) for name in self.features for split, one in self._of(name).items()]
        return Table("Statistics by feature and split", columns, lines)

    def _line(self, name: str, split: str, one: FeatureStatistics) -> list[Cell]:
        values = (one.mean, one.deviation, one.least, one.median, one.most)
        return [
            words(name),
            words(split),
            number(one.rows, ",.0f"),
            number(100 * one.missing_share, ".2f"),
            *(number(value, ",.6g") if one.is_number else Cell("", sort=0) for value in values),
            Cell("", sort=0) if one.distinct is None else number(one.distinct, ",.0f"),
        ]


@dataclass(frozen=True)
class Anomalies(View):
    """What ExampleValidator found, a line a feature and span."""

    template: ClassVar[str] = "anomalies.html"
    found: Sequence[FoundAnomaly]

    def context(self) -> dict[str, Any]:
        """The table."""
        return {"found": self.found, "anomalies": self.table()}

    def table(self) -> Table:
        """A line an anomaly."""
        columns = [Column(label, is_number=False) for label in ("feature", "span", "anomaly")]
        columns.append(Column("what was seen", is_number=False, wraps=True))
        lines = [[words(one.feature, BAD), words(one.span), words(one.kind), words(one.told)] for one in self.found]
        return Table("Anomalies", columns, lines)


@dataclass(frozen=True)
class Drifts(View):
    """Drift of each feature against earlier data, the largest first."""

    template: ClassVar[str] = "drift.html"
    drifts: Sequence[Drift]
    now: str
    before: str

    def context(self) -> dict[str, Any]:
        """What is compared, what is notable, and the table."""
        notable = [drift.feature for drift in self.drifts if drift.notable]
        return {
            "now": self.now,
            "count": len(self.drifts),
            "most": self.table(_SHOWN_DRIFTS),
            "before": self.before,
            "limit": NOTABLE,
            "notable": notable,
            "drifts": self.table(),
        }

    def table(self, most: int | None = None) -> Table:
        """A line a feature, of so many at most."""
        columns = [Column("feature", is_number=False), Column("Jensen-Shannon divergence", "0 to 1")]
        lines = [
            [words(one.feature), number(one.divergence, ".4f", mark=NOTE if one.notable else "")]
            for one in self.drifts[:most]
        ]
        return Table("Drift", columns, lines)
