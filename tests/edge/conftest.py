"""One device form, its variants and its own answers, made once."""

from pathlib import Path

import pytest

from edge.convert.conversion_source import float32
from edge.convert.converter import Converted, convert_each
from edge.convert.recipes import RECIPES
from edge.passes.graph_cleanup import tidy
from edge.runtime.litert_model import Array, Columns
from tests.edge import device_form


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A binary device form."""
    return device_form.save(tmp_path_factory.mktemp("device_form"))


@pytest.fixture(scope="session")
def variants(saved_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Converted]:
    """The device form converted by every recipe that takes the trained model."""
    names = [name for name, recipe in RECIPES.items() if recipe.technique is None]
    rows = device_form.rows(2048, seed=1)
    found, failed = convert_each({None: saved_model}, names, tmp_path_factory.mktemp("variants"), rows)
    assert failed == {}
    return {entry.recipe: entry for entry in found}


@pytest.fixture(scope="session")
def base(saved_model: Path) -> bytes:
    """The device form in float32, as recipes start from it."""
    return tidy(float32(saved_model))


@pytest.fixture(scope="session")
def columns() -> Columns:
    """4,096 rows that calibration has not seen, with missing and unseen values."""
    return device_form.rows(4096, seed=2)


@pytest.fixture(scope="session")
def expected(saved_model: Path, columns: Columns) -> Array:
    """The SavedModel's own answers to `columns`."""
    return device_form.answers(saved_model, columns)
