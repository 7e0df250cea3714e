"""What is kept out and for how long, with packages that lie in a folder of the test's own."""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.process import import_blocker
from pipeline.process.import_blocker import without_cloud_clients

MODULES = ("cloudy/__init__.py", "cloudy/storage.py", "cloudy/queues.py", "cloudy_not/__init__.py")


@pytest.fixture(autouse=True)
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`cloudy` stands for a client of a cloud; `cloudy_not` only begins with the same letters."""
    for module in MODULES:
        (tmp_path / module).parent.mkdir(exist_ok=True)
        (tmp_path / module).write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(import_blocker, "CLOUD_CLIENTS", ("cloudy",))
    yield
    for name in [name for name in sys.modules if name.startswith("cloudy")]:
        del sys.modules[name]


@pytest.mark.parametrize("name", ["cloudy", "cloudy.storage"])
def test_a_client_is_as_good_as_not_installed(name: str) -> None:
    with without_cloud_clients(), pytest.raises(ModuleNotFoundError, match="cloudy is not loaded") as absent:
        importlib.import_module(name)

    # Libraries look at the name to tell a package that is not installed from one that is broken.
    assert absent.value.name == "cloudy"


def test_a_part_of_a_package_that_is_there_is_kept_out_too() -> None:
    importlib.import_module("cloudy")

    with without_cloud_clients(), pytest.raises(ModuleNotFoundError) as absent:
        importlib.import_module("cloudy.storage")

    assert absent.value.name == "cloudy.storage"


def test_what_is_loaded_already_stays_of_use() -> None:
    storage = importlib.import_module("cloudy.storage")

    with without_cloud_clients():
        assert importlib.import_module("cloudy.storage") is storage


def test_a_package_whose_name_begins_alike_is_not_kept_out() -> None:
    with without_cloud_clients():
        assert importlib.import_module("cloudy_not").__name__ == "cloudy_not"


def test_afterwards_it_can_be_imported_even_if_the_run_failed() -> None:
    with pytest.raises(RuntimeError), without_cloud_clients():
        raise RuntimeError

    assert importlib.import_module("cloudy.queues").__name__ == "cloudy.queues"
