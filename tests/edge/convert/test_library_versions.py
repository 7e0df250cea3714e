"""Versions of what a variant depends on, under whatever name it is installed."""

from collections.abc import Iterator
from importlib import metadata

import pytest

from edge.convert import library_versions


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    """What a test says is installed is forgotten after it."""
    library_versions.versions.cache_clear()
    yield
    library_versions.versions.cache_clear()


def test_an_image_has_tensorflow_under_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name == "tensorflow":
            raise metadata.PackageNotFoundError(name)
        return "2.21.0" if name == "tensorflow-cpu" else real(name)

    monkeypatch.setattr(library_versions, "version", version)

    assert library_versions.versions()["tensorflow"] == "2.21.0"
    assert library_versions.versions()["ai-edge-quantizer"] == real("ai-edge-quantizer")


def test_a_library_that_is_absent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(library_versions, "version", version)

    with pytest.raises(metadata.PackageNotFoundError, match="tensorflow or tensorflow-cpu"):
        library_versions.versions()


def test_the_digest_changes_with_a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = library_versions.digest()
    assert before == library_versions.digest()
    library_versions.versions.cache_clear()
    monkeypatch.setattr(library_versions, "version", lambda _: "9.9")
    assert library_versions.digest() != before
