"""Notebooks as they lie in git: source alone, valid, and of no one machine."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
BOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
STRIP = "strip it: make format"
_ABSOLUTE = re.compile(r"(?<![\w.])/(home|root|tmp|work|Users|mnt|opt)/")


@pytest.fixture(params=BOOKS, ids=lambda path: path.stem)
def book(request: pytest.FixtureRequest) -> Any:
    return nbformat.read(request.param, as_version=nbformat.NO_CONVERT)


def test_there_are_the_four() -> None:
    assert [path.stem for path in BOOKS] == ["data_validation", "device_models", "lineage", "model_analysis"]


def test_it_is_valid_with_a_name_for_each_cell(book: Any) -> None:
    nbformat.validate(book)
    ids = [cell["id"] for cell in book.cells]
    assert len(set(ids)) == len(ids)


def test_it_holds_no_output_and_no_count(book: Any) -> None:
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[]] * len(code), STRIP
    assert [cell.execution_count for cell in code] == [None] * len(code), STRIP


def test_its_kernel_is_one_that_everybody_has(book: Any) -> None:
    assert book.metadata.kernelspec.name == "python3"


def test_it_names_no_path_of_a_machine(book: Any) -> None:
    assert [cell.source for cell in book.cells if _ABSOLUTE.search(cell.source)] == []


def test_each_cell_of_code_is_short_and_comes_after_a_sentence(book: Any) -> None:
    for before, cell in zip(book.cells, book.cells[1:], strict=False):
        if cell.cell_type == "code":
            assert before.cell_type == "markdown"
            assert before.source
            assert len(cell.source.splitlines()) <= 6, cell.source
            assert "try:" not in cell.source
