"""Notebooks made into pages as `make notebook-html` does it, and pages read as a person reads them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat

from tests.e2e.running import ROOT, TIMEOUT_SECONDS, Run

NOTEBOOKS = ROOT / "notebooks"
_CONFIG = NOTEBOOKS / "jupyter_nbconvert_config.py"


def alone(run: Run, folder: Path) -> Path:
    """An output folder with this run and none that other tests made; its artifacts are where they are."""
    (folder / "runs").mkdir(parents=True)
    (folder / "runs" / run.folder.name).symlink_to(run.folder)
    return folder


def make_pages(output: Path, folder: Path, *books: Path) -> dict[str, str]:
    """Executes notebooks on the latest run of an output folder; their pages by name.

    Args:
        output: the --output of the run.
        folder: an empty one, to work in: it looks to a kernel like a project whose output that is.
        books: the notebooks.
    """
    (folder / "notebooks").mkdir(parents=True)
    (folder / "output").symlink_to(output)
    for book in books:
        (folder / "notebooks" / book.name).write_bytes(book.read_bytes())
    command = [sys.executable, "-m", "nbconvert", "--config", str(_CONFIG), "--output-dir", str(folder / "pages")]
    done = subprocess.run(
        [*command, *(str(folder / "notebooks" / book.name) for book in books)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(folder / "ipython")},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((folder / "pages").glob("*.html"))}


def in_one(path: Path, *first: str) -> Path:
    """All notebooks in one, which takes one kernel; cells with the sources `first` come first."""
    book = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "", "language": ""}})
    book.cells = [nbformat.v4.new_code_cell(source) for source in first]
    for given in sorted(NOTEBOOKS.glob("*.ipynb")):
        book.cells += [cell for cell in nbformat.read(given, as_version=4).cells if cell.cell_type == "code"]
    for place, cell in enumerate(book.cells):
        cell["id"] = f"cell-{place}"
    nbformat.write(book, path)
    return path


def numbers(page: Any, table: str) -> dict[str, list[float]]:
    """Numbers of a table, named by its label, by the text of each row's first cell: what `data-value` says."""
    found: dict[str, list[float]] = page.evaluate(
        """label => Object.fromEntries([...document.querySelectorAll(`table[aria-label="${label}"] tbody`)]
          .flatMap(body => [...body.rows])
          .map(row => [row.cells[0].innerText.replace(/^[✓✗!] /, ''),
            [...row.cells].filter(cell => cell.dataset.value).map(cell => Number(cell.dataset.value))]))""",
        table,
    )
    return found


def texts(page: Any, table: str) -> list[list[str]]:
    """Every cell of the first table of that label, a list a row, in the order they stand."""
    found: list[list[str]] = page.evaluate(
        """label => [...document.querySelector(`table[aria-label="${label}"]`).tBodies[0].rows]
          .map(row => [...row.cells].map(cell => cell.innerText.trim()))""",
        table,
    )
    return found
