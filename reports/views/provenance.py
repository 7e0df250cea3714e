"""Which data and which code made a released version, as the metadata store has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from reports.artifacts.provenance import Span, Step
from reports.charts.graph import graph
from reports.render.html import Column, Table, View, number, words

_SETTING_CHARACTERS = 400


@dataclass(frozen=True)
class Provenance(View):
    """A version's executions, each after those whose artifacts it took; the last one pushed it.

    Attributes:
        problem: whose version.
        version: its number.
        is_current: whether `current` points at it.
        store: the metadata store, for people.
        steps: the executions.
        spans: the data.
    """

    template: ClassVar[str] = "provenance.html"
    problem: str
    version: int
    is_current: bool
    store: str
    steps: Sequence[Step]
    spans: Sequence[Span] = ()

    @property
    def run_id(self) -> str:
        """The run that pushed it."""
        return self.steps[-1].run_id

    def context(self) -> dict[str, Any]:
        """Whose version, a drawing, and tables."""
        return {
            "it": self,
            "drawing": graph([self._drawn(step) for step in self.steps]),
            "steps": self.table(),
            "spans": self.span_table() if self.spans else None,
            "settings": {step.name: self._settings(step) for step in self.steps if step.settings},
        }

    def _drawn(self, step: Step) -> dict[str, Any]:
        status = "ran" if step.run_id == self.run_id else "cached"
        return {"id": step.name, "status": status, "seconds": step.seconds, "upstream": step.upstream}

    def table(self) -> Table:
        """A line an execution."""
        columns = [
            Column("node", is_number=False),
            Column("made in run", is_number=False),
            Column("took", "s"),
            Column("made", is_number=False),
            Column("source", "fingerprint", is_number=False),
            Column("compared with", is_number=False),
            Column("used again by runs"),
        ]
        return Table("Executions that the version stands on", columns, [self._line(step) for step in self.steps])

    def _line(self, step: Step) -> list[Any]:
        return [
            words(step.name),
            words(step.run_id),
            number(step.seconds, ".2f"),
            words(", ".join(_short(uri) for uri in step.made)),
            words(step.source),
            words(_short(step.baseline)),
            number(len(step.used_again), ".0f"),
        ]

    def span_table(self) -> Table:
        """A line a span."""
        columns = [Column("span", is_number=False), Column("content", "SHA-256 of its files", is_number=False)]
        lines = [[number(span.number, "02d"), words(span.content)] for span in self.spans]
        return Table("Spans that the version was made from", columns, lines)

    def _settings(self, step: Step) -> dict[str, str]:
        return {name: _cut(value) for name, value in sorted(step.settings.items())}


def _short(uri: str) -> str:
    """The node, key and number at the end of an artifact's URI."""
    return "/".join(uri.rstrip("/").split("/")[-3:])


def _cut(text: str) -> str:
    if len(text) <= _SETTING_CHARACTERS:
        return text
    return f"{text[:_SETTING_CHARACTERS]} … ({len(text):,} characters)"
