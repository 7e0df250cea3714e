"""The image, built once from a copy of the project."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.builder import Builder, builder, unavailable
from tests.project_copy import copy_project

IMAGE = "flights"

# What must stay outside: private, heavy, or of no use to a node.
DECOYS = (
    ".env",
    ".git/config",
    ".venv/pyvenv.cfg",
    "data/nyc_flights/span-01/flights.csv",
    "output/metadata.sqlite",
    "id_rsa",
    "models/.env",
    "models/__pycache__/network.cpython-311.pyc",
    "schema/nyc_flights/.ipynb_checkpoints/problem.yaml",
    "schema/nyc_flights/.problem.yaml.swp",
)


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, with what may lie about in a working folder."""
    folder = tmp_path_factory.mktemp("context") / "project"
    copy_project(folder)
    for name in DECOYS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("secret", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    """What builds images and runs them."""
    missing = unavailable()
    if missing:
        pytest.skip(missing)
    with builder(tmp_path_factory.mktemp("images")) as made:
        yield made


@pytest.fixture(scope="session")
def image(images: Builder, context: Path) -> Builder:
    """The same, with the project's image in it."""
    images.build(IMAGE, context)
    return images
