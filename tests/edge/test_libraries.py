"""Versions of what a variant depends on, under whatever name it is installed."""

from collections.abc import Iterator
from importlib import metadata

import pytest

from edge import libraries


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    """What a test says is installed is forgotten after it."""
    libraries.versions.cache_clear()
    yield
    libraries.versions.cache_clear()


def test_an_image_has_tensorflow_under_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name == "tensorflow":
            raise metadata.PackageNotFoundError(name)
        return "2.21.0" if name == "tensorflow-cpu" else real(name)

    monkeypatch.setattr(libraries, "version", version)

    assert libraries.versions()["tensorflow"] == "2.21.0"
    assert libraries.versions()["ai-edge-quantizer"] == real("ai-edge-quantizer")


def test_a_library_that_is_absent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(libraries, "version", version)

    with pytest.raises(metadata.PackageNotFoundError, match="tensorflow or tensorflow-cpu"):
        libraries.versions()


def test_the_digest_changes_with_a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = libraries.digest()
    assert before == libraries.digest()
    libraries.versions.cache_clear()
    monkeypatch.setattr(libraries, "version", lambda _: "9.9")
    assert libraries.digest() != before
