"""Numbers and charts to HTML that reads alike in a page, in a notebook, and where scripts and styles are taken out."""

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.artifacts.intervals import Estimate
from reports.charts.canvas import Chart
from schema.rounding import metric_form, rounded

TEMPLATES = Path(__file__).parents[1] / "templates"
UNDEFINED = "not defined"
# Of a telephone's screen. A wider chart keeps its width and is scrolled: made narrower, its letters could not be read.
_SCROLLED_WIDTH = 400
GOOD, BAD, NOTE = "good", "bad", "note"
_MARKS = {GOOD: "✓ ", BAD: "✗ ", NOTE: "! ", "": ""}


@dataclass(frozen=True)
class Cell:
    """One cell: its text, what it is sorted by, the number it shows, a mark (good, bad or note), or a chart."""

    text: str
    sort: float | str | None = None
    value: float | None = None
    mark: str = ""
    chart: Chart | None = None

    @property
    def marked(self) -> str:
        """The text with its mark as a sign, since not everyone sees colours."""
        return _MARKS[self.mark] + self.text


@dataclass(frozen=True)
class Column:
    """A column's label and unit; numbers stand to the right, and long texts may take several lines."""

    label: str
    unit: str = ""
    is_number: bool = True
    wraps: bool = False


@dataclass(frozen=True)
class Table:
    """Columns and rows of cells; `title` names it for those who cannot see where it stands."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    sortable: bool = True


@dataclass(frozen=True)
class Fold:
    """Something that opens when asked for."""

    title: str
    content: Markup


def number(value: float | None, form: str, unit: str = "", mark: str = "") -> Cell:
    """A number with its unit, or that there is none."""
    if value is None or not math.isfinite(value):
        return Cell(UNDEFINED, sort=-math.inf)
    return Cell(rounded(value, form) + unit, sort=value, value=value, mark=mark)


def words(text: str, mark: str = "") -> Cell:
    """Text."""
    return Cell(text, sort=text, mark=mark)


def metric_number(value: float | None, mark: str = "") -> Cell:
    """A metric, in the places that show it."""
    return number(value, metric_form(value), mark=mark)


def metric_interval(estimate: Estimate) -> Cell:
    """A metric with its interval, in the places that show it."""
    return interval(estimate, metric_form(estimate.value))


def change_interval(change: Estimate, metric: float | None) -> Cell:
    """A metric's change with its interval, in the places that show the metric itself."""
    return interval(change, metric_form(metric, "+"))


def interval(estimate: Estimate, form: str) -> Cell:
    """A number with its 95 % interval, if it has one."""
    cell = number(estimate.value, form)
    if cell.value is None or estimate.low is None or estimate.high is None:
        return cell
    low, high = rounded(estimate.low, form), rounded(estimate.high, form)
    return Cell(f"{cell.text} [{low}, {high}]", sort=cell.sort, value=cell.value)


@dataclass(frozen=True)
class View:
    """Something a person looks at: a notebook shows it by itself, a page holds it."""

    template: ClassVar[str]

    def context(self) -> dict[str, Any]:
        """What the template needs."""
        raise NotImplementedError

    def html(self, *, page: bool = False) -> Markup:
        """The HTML: for a page, whose style sheet is around it, or with one of its own."""
        content = render(self.template, page=page, **self.context())
        return content if page else render("notebook.html", page=False, style=style(), content=content)

    def _repr_html_(self) -> str:
        return str(self.html())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        # Else a notebook would keep every number of the record beside the HTML, as text that nobody reads.
        return {"text/html": self._repr_html_(), "text/plain": f"{type(self).__name__}, to be seen as HTML"}

    def show(self) -> None:
        """Displays it in a notebook."""
        from IPython.display import display

        display(self)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Absent(View):
    """In place of what a run does not have: why not. In a page its title stands over it already."""

    template: ClassVar[str] = "absent.html"
    title: str
    reason: str
    fields: dict[str, Any] = field(default_factory=dict)

    def context(self) -> dict[str, Any]:
        """What is absent and why."""
        return {"title": self.title, "reason": self.reason if self.reason.endswith(".") else f"{self.reason}."}


def render(template: str, *, page: bool, **context: Any) -> Markup:
    """A template's HTML; values are escaped."""
    tools = {
        "table": partial(_table, page=page),
        "chart": partial(_chart, page=page),
        "embed": lambda view: view.html(page=True),
    }
    return Markup(_environment().get_template(template).render(page=page, **tools, **context))  # noqa: S704 (escaped)


def style() -> Markup:
    """The style sheet that page and notebook share."""
    return Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))  # noqa: S704 (a file of ours)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _table(table: Table, *, page: bool) -> Markup:
    return render("table.html", page=page, it=table)


def _chart(chart: Chart, *, page: bool, small: bool = False) -> Markup:
    encoded = base64.b64encode(chart.in_scheme(adaptive=page).encode()).decode()
    source = f"data:image/svg+xml;base64,{encoded}"
    scrolled = chart.width > _SCROLLED_WIDTH and not small
    return render("chart.html", page=page, source=source, alt=chart.alt, small=small, scrolled=scrolled)
