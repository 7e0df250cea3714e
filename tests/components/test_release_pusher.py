"""A blessed model pushed with its manifest; one that is not blessed stays where it is."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing, PushedModel

from components.artifacts import DeviceModels, ModelCard
from components.release_pusher import ReleasePusher
from components.release_store import current, versions
from components.span_store import StoredSpan, link_spans
from reports.card_files import CARD_FILES

LINEAGE = {"problem": "flights", "seed": 7}
VARIANTS = [
    {"name": "float32", "accepted": True, "reasons": []},
    {"name": "int8", "accepted": False, "reasons": ["flip rate 0.0300 is 0.0100 above the 0.0200 allowed"]},
]


class Doubling(tf.Module):
    """A model with one signature."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "hour"), tf.TensorSpec([None, 2], tf.string, "port")])
    def serve(self, hour: tf.Tensor, port: tf.Tensor) -> dict[str, tf.Tensor]:
        """Twice the hour."""
        return {"value": tf.cast(2 * hour, tf.float32), "port": port[:, :1]}


@pytest.fixture
def push(tmp_path: Path, artifact: Callable[..., Any]) -> Callable[..., PushedModel]:
    """push(blessed=...): what the node gives for a model with two device variants, one of them accepted."""
    module = Doubling()
    tf.saved_model.save(module, str(tmp_path / "model" / "Format-Serving"), signatures={"predict_rows": module.serve})
    devices = artifact(DeviceModels, tmp_path / "devices")
    for entry in VARIANTS:
        (tmp_path / "devices" / f"{entry['name']}.tflite").write_bytes(b"device form")
    (tmp_path / "devices" / "variants.json").write_text(json.dumps(VARIANTS), encoding="utf-8")
    blessing = artifact(ModelBlessing, tmp_path / "blessing")
    verdict = {"blessed": True, "reasons": [], "metrics": {"auc": 0.71, "calibration": None}}
    (tmp_path / "blessing" / "verdict.json").write_text(json.dumps(verdict), encoding="utf-8")

    examples = artifact(Examples, tmp_path / "examples")
    span = StoredSpan(3, str(tmp_path / "store" / "03-1a2b-all"), {"train": 7, "eval": 1, "test": 2})
    (Path(span.folder) / "Split-train").mkdir(parents=True)
    link_spans([span], tmp_path / "examples", ("train",))

    card = artifact(ModelCard, tmp_path / "card")
    for name in CARD_FILES:
        (tmp_path / "card" / name).write_text(f"the card, {name}", encoding="utf-8")

    def run(*, blessed: bool) -> PushedModel:
        blessing.set_int_custom_property("blessed", int(blessed))
        pushed = artifact(PushedModel, tmp_path / "pushed_model")
        ReleasePusher.test_call(
            model=artifact(Model, tmp_path / "model"),
            blessing=blessing,
            device_models=devices,
            examples=examples,
            card=card,
            pushed_model=pushed,
            destination=str(tmp_path / "pushed" / "flights"),
            keep=2,
            lineage=json.dumps(LINEAGE),
            fingerprint="",
        )
        return pushed

    return run


def test_both_forms_of_a_blessed_model_are_one_version(push: Callable[..., PushedModel], tmp_path: Path) -> None:
    pushed = push(blessed=True)

    destination = tmp_path / "pushed" / "flights"
    version = current(destination)
    folder = destination / str(version)
    assert pushed.get_string_custom_property("pushed_version") == str(version)
    assert pushed.get_string_custom_property("pushed_destination") == str(folder)
    assert json.loads((Path(pushed.uri) / "pushed.json").read_text(encoding="utf-8")) == {
        "version": str(version),
        "path": str(folder),
    }
    hour, port = tf.constant([5], tf.int64), tf.constant([["EWR", "JFK"]])
    answer = tf.saved_model.load(str(folder)).signatures["predict_rows"](hour=hour, port=port)
    assert answer["value"].numpy().tolist() == [10.0]
    assert [path.name for path in (folder / "device").iterdir()] == ["float32.tflite"]


def test_the_manifest_carries_lineage_metrics_signatures_variants_and_hashes(
    push: Callable[..., PushedModel], tmp_path: Path
) -> None:
    push(blessed=True)

    text = (tmp_path / "pushed" / "flights" / "current" / "manifest.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    spans = [{"span": 3, "content": "03-1a2b-all", "rows": {"train": 7, "eval": 1, "test": 2}}]
    assert manifest["lineage"] == {**LINEAGE, "window": "3:3", "spans": spans}
    assert manifest["metrics"] == {"auc": 0.71, "calibration": None}
    assert manifest["variants"] == VARIANTS
    assert manifest["model"] == str(tmp_path / "model")
    assert manifest["signatures"] == {
        "predict_rows": {
            "inputs": {"hour": {"dtype": "int64", "shape": [None]}, "port": {"dtype": "string", "shape": [None, 2]}},
            "outputs": {
                "port": {"dtype": "string", "shape": [None, 1]},
                "value": {"dtype": "float32", "shape": [None]},
            },
        }
    }
    assert {"saved_model.pb", "device/float32.tflite", *CARD_FILES} <= set(manifest["files"])
    assert "manifest.json" not in manifest["files"]
    assert "NaN" not in text


def test_the_card_is_part_of_the_version_as_it_was_written(push: Callable[..., PushedModel], tmp_path: Path) -> None:
    push(blessed=True)

    version = tmp_path / "pushed" / "flights" / "current"
    manifest = json.loads((version / "manifest.json").read_text(encoding="utf-8"))
    for name in CARD_FILES:
        assert (version / name).read_text(encoding="utf-8") == f"the card, {name}"
        assert manifest["files"][name] == hashlib.sha256((version / name).read_bytes()).hexdigest()


def test_a_model_that_is_not_blessed_is_not_pushed(push: Callable[..., PushedModel], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"/model is not blessed and may not be pushed"):
        push(blessed=False)

    assert not (tmp_path / "pushed").exists()


def test_older_versions_go_as_new_ones_come(push: Callable[..., PushedModel], tmp_path: Path) -> None:
    pushed = [int(push(blessed=True).get_string_custom_property("pushed_version")) for _ in range(3)]

    assert versions(tmp_path / "pushed" / "flights") == pushed[1:]
