"""The report of a run: `report.html` for people and `report.json` for machines."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from reports.page.report_data import report_data
from reports.render.html import TEMPLATES, Absent, View, render, style
from reports.runs.run import MissingArtifactError, Run
from reports.runs.run_record import write_json
from schema.durable import write_file

HTML, JSON = "report.html", "report.json"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Section:
    """A part of the page: its title, its name in links, and what makes it."""

    title: str
    name: str
    view: Callable[[Run], View]


def graph(run: Run) -> View:
    """What each node did; where an orchestrator runs them, it alone knows that."""
    if "nodes" in run.record:
        return run.graph
    return Absent("Graph", "which nodes ran, how long and why is in the view that the orchestrator has of the run")


SECTIONS = (
    Section("Evaluation", "evaluation", lambda run: run.evaluation),
    Section("Device models", "devices", lambda run: run.variants),
    Section("Graph", "graph", graph),
    Section("Training", "training", lambda run: run.training),
    Section("Rows", "rows", lambda run: run.rows),
    Section("Row ledger", "ledger", lambda run: run.ledger),
    Section("Anomalies", "anomalies", lambda run: run.anomalies),
    Section("Drift", "drift", lambda run: run.drift),
    Section("Statistics", "statistics", lambda run: run.statistics),
    Section("Lineage", "lineage", lambda run: run.lineage),
)


def write_report(run: Run, folder: Path) -> Path:
    """Writes both files into a folder, each whole or not at all; returns the page's path."""
    write_json(report_data(run), folder / JSON)
    return write_file(folder / HTML, page(run))


def page(run: Run) -> str:
    """The page: it asks nothing of a network, and is read without a script as well."""
    sections = [(section, _shown(section, run)) for section in SECTIONS]
    content = render("report.html", page=True, verdict=run.verdict, sections=sections)
    return whole_page(f"{run.title} {run.id}".rstrip(), content)


def whole_page(title: str, content: Markup) -> str:
    """A self-contained page around some content."""
    files = {"page_style": "page.css", "script": "page.js"}
    texts = {key: Markup((TEMPLATES / name).read_text(encoding="utf-8")) for key, name in files.items()}  # noqa: S704
    return str(render("page.html", page=True, title=title, style=style(), content=content, **texts))


def _shown(section: Section, run: Run) -> View:
    try:
        return section.view(run)
    except MissingArtifactError as error:
        return Absent(section.title, str(error))
