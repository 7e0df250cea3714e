"""TFMA's own page of a run's evaluations, written beside the report."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from reports.artifacts.quiet_imports import quietly
from reports.render.html import View
from reports.runs.run import Run, all_runs
from schema.durable import write_file

HTML = "tfma.html"
_REPORT = "report.html"


@dataclass(frozen=True)
class Written(View):
    """Where a page was written, and what to know of it."""

    template: ClassVar[str] = "written.html"
    path: Path
    note: str

    def context(self) -> dict[str, Any]:
        """Path and note."""
        return {"path": str(self.path), "note": self.note}


def write_tfma_page(run: Run) -> Written:
    """Writes the page into the run's folder: its evaluation, and the course of all of the problem up to it.

    Raises:
        InputError: if the run evaluated no model, or its evaluation has been removed.
    """
    from reports.page.tfma_page import tfma_page

    evaluations = _evaluations(run)
    with quietly():
        page = tfma_page(evaluations, title=run.title, report=_REPORT)
    path = run.output / "runs" / run.id / HTML
    return Written(write_file(path, page), "Open it in a browser; its tables and drawings need a network.")


def _evaluations(run: Run) -> dict[str, Path]:
    """Evaluations by run, oldest first; one that several runs used is the oldest's."""
    found: dict[Path, str] = {}
    for one in all_runs(run.output):
        if one.problem == run.problem and one.id <= run.id and one.has("Evaluator.evaluation"):
            found.setdefault(one.artifact("Evaluator.evaluation"), one.id)
    # The page shows the last one whole.
    own = run.artifact("Evaluator.evaluation")
    found = {**{path: name for path, name in found.items() if path != own}, own: found.get(own, run.id)}
    return {name: path for path, name in found.items()}
