"""When garbage is collected, and what of it."""

import gc
from collections.abc import Iterator

import pytest

from pipeline.process.fast_import import large_imports


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_nothing_is_collected_in_the_meantime_and_it_is_again_afterwards() -> None:
    with large_imports():
        assert not gc.isenabled()

    assert gc.isenabled()


def test_it_is_again_after_an_import_that_failed() -> None:
    with pytest.raises(ImportError), large_imports():
        raise ImportError

    assert gc.isenabled()


def test_who_had_turned_it_off_finds_it_off() -> None:
    gc.disable()

    with large_imports():
        pass

    assert not gc.isenabled()


def test_what_was_loaded_is_not_looked_through_again() -> None:
    with large_imports():
        loaded = [[] for _ in range(10)]

    assert gc.is_tracked(loaded)
    assert not any(found is loaded for found in gc.get_objects())
