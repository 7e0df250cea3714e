"""The file whose head learns: written beside the variants, and released only if it passed its check."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components.device.trainable_model import CHECKED, write_trainable
from components.release.device_bundle import DeviceBundle
from edge.bundle.manifest import OUTPUT
from edge.convert import library_versions
from edge.on_device_training.interpreter_training import LearningModel
from edge.on_device_training.trainable import FILE
from models.export.export import RowModel
from models.export.trainable import TrainableModel, export_trainable
from models.network.network import build_network
from schema import signatures
from schema.run_warnings import read_warnings
from tests.device_bundles import SCHEMA, STAMP, STATISTICS, bound_problem

COLUMNS = {
    "soil": np.array([b"loam", b"clay", b"", b"peat"], object),
    "week": np.array([8, 12, 7, 9], np.int64),
    "rain": np.array([0.0, 3.0, np.nan, 40.0], np.float32),
    "area": np.array([1.0, 15.0, 99.0, np.nan], np.float32),
}
LABELS = np.array([1, 0, 1, 0])


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The node's folder with what was made of an untrained network."""
    tf_keras.utils.set_random_seed(3)
    folder, bound = tmp_path_factory.mktemp("trainable"), bound_problem("binary")
    network = build_network(bound, STATISTICS)
    export_trainable(TrainableModel(bound, STATISTICS, network), folder / "model")
    scores = RowModel(bound, STATISTICS, network).score(
        {name: tf.constant(list(values) if values.dtype == object else values) for name, values in COLUMNS.items()}
    )
    made = folder / "made"
    made.mkdir()
    write_trainable(folder / "model" / signatures.TRAINABLE_FORM, made, COLUMNS, LABELS, np.asarray(scores))
    (made / OUTPUT).write_text('{"offset": 0.0}', encoding="utf-8")
    (made / library_versions.FILE).write_text("{}", encoding="utf-8")
    return made


def lay(models: Path, folder: Path) -> dict[str, object]:
    """The manifest of a bundle without variants."""
    folder.mkdir()
    DeviceBundle(models, [], bound_problem("binary"), SCHEMA, "span 3").lay(folder, STAMP)
    found: dict[str, object] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return found


def test_a_file_that_learns_is_part_of_the_bundle(models: Path, tmp_path: Path) -> None:
    checked = json.loads((models / CHECKED).read_text(encoding="utf-8"))
    assert checked["accepted"], checked["reasons"]
    assert checked["loss_after"] < checked["loss_before"]

    told = lay(models, tmp_path / "device")["trainable"]

    assert isinstance(told, dict)
    assert told["bytes"] == (tmp_path / "device" / FILE).stat().st_size == checked["bytes"]
    readme = (tmp_path / "device" / "README.md").read_text(encoding="utf-8")
    assert "## Training on the device" in readme
    before = LearningModel(tmp_path / "device" / FILE).predict(COLUMNS)
    assert before.shape == (4, 1)


def test_a_file_that_did_not_pass_is_kept_and_not_released(models: Path, tmp_path: Path) -> None:
    rejected = tmp_path / "models"
    rejected.mkdir()
    told = json.loads((models / CHECKED).read_text(encoding="utf-8")) | {"accepted": False, "reasons": ["it forgets"]}
    (rejected / CHECKED).write_text(json.dumps(told), encoding="utf-8")
    (rejected / FILE).write_bytes((models / FILE).read_bytes())

    for name in (library_versions.FILE, OUTPUT):
        (rejected / name).write_bytes((models / name).read_bytes())

    manifest = lay(rejected, tmp_path / "device")

    assert (manifest["trainable"], manifest["trainable_rejected"]) == (None, ["it forgets"])
    assert not (tmp_path / "device" / FILE).exists()
    readme = (tmp_path / "device" / "README.md").read_text(encoding="utf-8")
    assert "The file that can be trained was not accepted for this release: it forgets." in readme


def test_a_form_that_cannot_be_converted_is_a_reason_and_not_the_end(
    models: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    del models
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"no graph")

    write_trainable(tmp_path / "saved", tmp_path / "made", COLUMNS, LABELS, np.zeros((4, 1), np.float32))

    told = json.loads((tmp_path / "made" / CHECKED).read_text(encoding="utf-8"))
    assert told["accepted"] is False
    assert "conversion ended with exit code" in told["reasons"][0]
    assert "trainable.tflite is not released: " in caplog.text
    assert read_warnings(tmp_path / "made") == [
        f"device.trainable: trainable.tflite is not released: {told['reasons'][0]}"
    ]
