"""The latest release as an artifact: as the Trainer lays a model out, or nothing."""

from pathlib import Path
from typing import Any

import pytest
from tfx.types.standard_artifacts import Model

from components.release.latest_pushed_model import LatestPushedModel
from components.release.release_store import Release, Stamp, publish


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """Where two versions lie."""
    destination = tmp_path / "pushed"
    for text in ("older", "newer"):
        server = tmp_path / text / "Format-Serving"
        (server / "variables").mkdir(parents=True)
        (server / "saved_model.pb").write_text(text, encoding="utf-8")
        (server / "variables" / "variables.index").write_text(text, encoding="utf-8")
        weights = tmp_path / text / "weights.npz"
        weights.write_text(text, encoding="utf-8")
        publish(Release(server, lay_device, {}, weights), destination, keep=5)
    return destination


def lay_device(folder: Path, _: Stamp) -> None:
    """Writes one device file."""
    (folder / "int8.tflite").write_text("device form", encoding="utf-8")


def copied(destination: Path, folder: Path) -> tuple[Any, dict[str, str]]:
    """The artifact that the node makes, and its files."""
    model = Model()
    model.uri = str(folder)
    LatestPushedModel.test_call(model=model, destination=str(destination), fingerprint="")
    files = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }
    return model, files


def test_the_newest_version_is_laid_out_as_a_trained_model(released: Path, tmp_path: Path) -> None:
    model, files = copied(released, tmp_path / "model")
    assert files == {
        "Format-Serving/saved_model.pb": "newer",
        "Format-Serving/variables/variables.index": "newer",
        "weights/weights.npz": "newer",
    }
    newest = max(int(path.name) for path in released.iterdir() if path.name.isdigit())
    assert model.get_string_custom_property("pushed_version") == str(newest)


def test_before_the_first_release_there_is_nothing(tmp_path: Path) -> None:
    model, files = copied(tmp_path / "pushed", tmp_path / "model")
    assert files == {}
    assert not model.has_custom_property("pushed_version")


def test_a_card_is_no_part_of_the_model(released: Path, tmp_path: Path) -> None:
    server, card = tmp_path / "newer" / "Format-Serving", tmp_path / "model_card.md"
    card.write_text("a card", encoding="utf-8")
    newest = publish(Release(server, lay_device, {}, cards=[card]), released, keep=5)
    assert (released / str(newest) / "model_card.md").is_file()

    _, files = copied(released, tmp_path / "model")
    assert sorted(files) == ["Format-Serving/saved_model.pb", "Format-Serving/variables/variables.index"]
