"""Which edits change the fingerprint of a module, on a small tree of sources."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.stages import source_fingerprint as fingerprint
from pipeline.stages.source_fingerprint import files_fingerprint, source_fingerprint

ROOT = Path(__file__).resolve().parents[3]
SOURCES = {
    "models/__init__.py": '"""Networks."""',
    "models/trainer.py": "import json\nimport numpy as np\nfrom models.fit import fit\n",
    "models/fit.py": "from schema import metrics\n\ndef fit():\n    import models.network\n",
    "models/network.py": "",
    "models/unrelated.py": "",
    "schema/__init__.py": "",
    "schema/metrics.py": "",
    "schema/unrelated.py": "",
}

Edit = Callable[[str, str], None]


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edit]:
    """edit(path, source): writes a source below the root, which begins as the tree above."""

    def write(path: str, source: str) -> None:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, encoding="utf-8")
        # A process fingerprints sources that do not change while it runs.
        source_fingerprint.cache_clear()

    monkeypatch.setattr(fingerprint, "ROOT", tmp_path)
    for path, source in SOURCES.items():
        write(path, source)
    yield write
    source_fingerprint.cache_clear()


def test_packages_of_others_are_not_read_where_they_lie_beside_ours(edit: Edit) -> None:
    edit("numpy/__init__.py", "")
    assert not changed_by(edit, "numpy/__init__.py", "changed = True")


def changed_by(edit: Edit, path: str, source: str) -> bool:
    """Whether the edit changes the trainer's fingerprint."""
    before = source_fingerprint("models.trainer")
    edit(path, source)
    return source_fingerprint("models.trainer") != before


@pytest.mark.parametrize(
    "path",
    [
        "models/trainer.py",
        "models/fit.py",
        "schema/metrics.py",  # imported by fit, as a name from a package
        "models/network.py",  # imported by fit, inside a function
        "models/__init__.py",  # runs when anything in models is imported
        "schema/__init__.py",
    ],
)
def test_an_edit_of_what_is_imported_changes_it_however_far_off(edit: Edit, path: str) -> None:
    assert changed_by(edit, path, f"{SOURCES[path]}\nedited = 1\n")


@pytest.mark.parametrize("path", ["models/unrelated.py", "schema/unrelated.py", "models/new.py", "json/notes.txt"])
def test_an_edit_of_what_is_not_imported_does_not(edit: Edit, path: str) -> None:
    assert not changed_by(edit, path, "edited = 1\n")


def test_it_is_the_same_for_the_same_sources(edit: Edit) -> None:
    first = source_fingerprint("models.trainer")
    edit("models/fit.py", "changed = 1\n")
    edit("models/fit.py", SOURCES["models/fit.py"])

    assert source_fingerprint("models.trainer") == first
    assert len(first) == 16


@pytest.mark.parametrize(
    "statement",
    [
        "import schema.deep.inner",
        "import schema.deep.inner as other",
        "import os, schema.deep.inner",
        "from schema.deep import inner",
        "from schema.deep.inner import value",
        "from schema.deep.inner import *",
        "from schema import deep\n\nfrom schema.deep import inner",
    ],
)
def test_every_form_of_import_is_followed(edit: Edit, statement: str) -> None:
    edit("schema/deep/__init__.py", "")
    edit("schema/deep/inner.py", "")
    edit("models/network.py", f"{statement}\n")

    assert changed_by(edit, "schema/deep/inner.py", "value = 1\n")
    assert changed_by(edit, "schema/deep/__init__.py", "value = 1\n")


@pytest.mark.parametrize(
    ("path", "statement"),
    [
        ("models/network.py", "from . import layers"),
        ("models/network.py", "from .layers import Dense"),
        ("models/network.py", "from .tower import head"),
        ("models/__init__.py", "from . import layers"),
        ("models/__init__.py", "from .tower.head import Head"),
    ],
)
def test_relative_imports_are_followed(edit: Edit, path: str, statement: str) -> None:
    edit("models/layers.py", "")
    edit("models/tower/__init__.py", "")
    edit("models/tower/head.py", "from .. import layers\n")
    edit(path, f"{statement}\n")

    assert changed_by(edit, "models/layers.py", "edited = 1\n")


def test_two_dots_are_the_package_around(edit: Edit) -> None:
    edit("models/tower/__init__.py", "")
    edit("models/tower/head.py", "from ..layers import Dense\n")
    edit("models/layers.py", "")
    edit("models/tower/layers.py", "")
    edit("models/network.py", "import models.tower.head\n")

    assert changed_by(edit, "models/layers.py", "edited = 1\n")
    assert not changed_by(edit, "models/tower/layers.py", "edited = 1\n")


def test_modules_that_import_each_other_end(edit: Edit) -> None:
    edit("models/network.py", "import models.fit\n")

    assert changed_by(edit, "schema/metrics.py", "edited = 1\n")


def test_code_that_moves_between_modules_changes_it(edit: Edit) -> None:
    before = source_fingerprint("models.trainer")
    edit("models/network.py", SOURCES["models/fit.py"])
    edit("models/fit.py", "import models.network\n")

    assert source_fingerprint("models.trainer") != before


@pytest.mark.parametrize("module", ["models.trainr", "models.trainer.run_fn", "tensorflow", "json"])
def test_a_name_that_is_no_module_of_ours_is_refused(edit: Edit, module: str) -> None:
    edit("models/trainer.py", "def run_fn(): ...\n")

    with pytest.raises(ValueError, match=rf"expected a module below .*\. Received: '{module}'"):
        source_fingerprint(module)


def test_the_trainer_of_this_project_reaches_the_schema_and_not_the_edge(edit: Edit, tmp_path: Path) -> None:
    for package in ("models", "schema", "edge"):
        shutil.copytree(ROOT / package, tmp_path / package, dirs_exist_ok=True)
    source_fingerprint.cache_clear()

    assert changed_by(edit, "schema/problem.py", "edited = 1\n")
    assert not changed_by(edit, "edge/convert.py", "edited = 1\n")


def test_a_template_is_fingerprinted_by_name_and_content(edit: Edit) -> None:
    edit("models/templates/page.html", "<p>")
    before = files_fingerprint("models/templates")
    files_fingerprint.cache_clear()
    edit("models/templates/page.html", "<b>")
    changed = files_fingerprint("models/templates")
    files_fingerprint.cache_clear()
    edit("models/templates/other.html", "")
    added = files_fingerprint("models/templates")
    files_fingerprint.cache_clear()
    assert len({before, changed, added}) == 3


def test_a_folder_without_files_is_refused(edit: Edit) -> None:
    edit("models/x.py", "")
    with pytest.raises(ValueError, match="Received: 'models/templtes'"):
        files_fingerprint("models/templtes")
