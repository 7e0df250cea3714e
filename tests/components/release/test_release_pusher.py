"""A blessed model pushed with its manifest; one that is not blessed stays where it is."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing, PushedModel, Schema

from components.artifacts import DeviceModels, ModelCard
from components.data.span_store import StoredSpan, link_spans
from components.release.release_pusher import ReleasePusher
from components.release.release_store import current, versions
from edge.convert import library_versions
from edge.forms.metadata import read_card
from reports.card.card_files import CARD_FILES
from tests.device_bundles import SCHEMA, bound_problem, make_device_models

LINEAGE = {"problem": "flights", "seed": 7, "versions": {"ai-edge-litert": "2.3.0"}}
DEVICE_FILES = sorted(
    [
        *(
            f"{name}{end}"
            for name in ("float32", "dynamic_int8")
            for end in (".tflite", ".ids.tflite", ".packed.tflite")
        ),
        *("LICENSES.md", "README.md", "golden.json", "manifest.json", "vocab.json"),
    ]
)


@pytest.fixture(scope="module")
def device_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real device models, of which int8 and float16 are rejected."""
    folder = make_device_models("binary", tmp_path_factory.mktemp("device"))
    path = folder / "variants.json"
    entries = json.loads(path.read_text(encoding="utf-8"))
    for entry in entries:
        if entry["name"] in ("int8", "float16"):
            entry |= {"accepted": False, "reasons": ["flip rate 0.0300 is 0.0100 above the 0.0200 allowed"]}
    path.write_text(json.dumps(entries), encoding="utf-8")
    return folder


class Doubling(tf.Module):
    """A model with one signature."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "hour"), tf.TensorSpec([None, 2], tf.string, "port")])
    def serve(self, hour: tf.Tensor, port: tf.Tensor) -> dict[str, tf.Tensor]:
        """Twice the hour."""
        return {"value": tf.cast(2 * hour, tf.float32), "port": port[:, :1]}


@pytest.fixture
def push(tmp_path: Path, artifact: Callable[..., Any], device_models: Path) -> Callable[..., PushedModel]:
    """push(blessed=...): what the node gives for a model with four device variants, two of them accepted."""
    module = Doubling()
    tf.saved_model.save(module, str(tmp_path / "model" / "Format-Serving"), signatures={"predict_rows": module.serve})
    devices = artifact(DeviceModels, device_models)
    known = artifact(Schema, tmp_path / "schema")
    (tmp_path / "schema" / "schema.pbtxt").write_text(str(SCHEMA), encoding="utf-8")
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
            schema=known,
            pushed_model=pushed,
            destination=str(tmp_path / "pushed" / "flights"),
            keep=2,
            lineage=json.dumps(LINEAGE),
            bound=bound_problem("binary").model_dump_json(),
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
    assert sorted(path.name for path in (folder / "device").iterdir()) == DEVICE_FILES


def test_the_manifest_carries_lineage_metrics_signatures_variants_and_hashes(
    push: Callable[..., PushedModel], tmp_path: Path
) -> None:
    push(blessed=True)

    text = (tmp_path / "pushed" / "flights" / "current" / "manifest.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    spans = [{"span": 3, "content": "03-1a2b-all", "rows": {"train": 7, "eval": 1, "test": 2}}]
    assert manifest["lineage"] == {**LINEAGE, "window": "3:3", "spans": spans}
    assert manifest["metrics"] == {"auc": 0.71, "calibration": None}
    told = {entry["name"]: entry["accepted"] for entry in manifest["variants"]}
    assert told == {"float32": True, "float16": False, "dynamic_int8": True, "int8": False}
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
    assert {"saved_model.pb", *(f"device/{name}" for name in DEVICE_FILES), *CARD_FILES} <= set(manifest["files"])
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


def test_the_bundles_files_carry_the_version_and_its_manifest_their_hashes(
    push: Callable[..., PushedModel], tmp_path: Path
) -> None:
    version = push(blessed=True).get_string_custom_property("pushed_version")

    folder = tmp_path / "pushed" / "flights" / "current" / "device"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert str(manifest["version"]) == version
    assert manifest["data_window"] == "span 3"
    assert manifest["runtime_versions"] == library_versions.versions()
    for variant in manifest["variants"]:
        for name, told in variant["sha256"].items():
            content = (folder / name).read_bytes()
            assert hashlib.sha256(content).hexdigest() == told
            assert read_card(content).version == version
