"""A label of integers that float32 cannot tell apart: its server, its metrics, its device files and their bundle."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from pyarrow import parquet

from components.device.device_models import PREDICTIONS
from components.evaluation.eval_config import eval_config
from components.evaluation.serving_validator import some_rows, validate
from edge.forms.metadata import read_card
from edge.runtime.litert_model import DeviceModel
from evaluation.official_check import official_check
from evaluation.recount import answered_rows
from schema import signatures
from schema.rows import columns
from tests.device_bundles import OFFSET, SCHEMA, SECONDS, bound_problem, lay, make_device_models

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an untrained model, its rows and what DeviceModels made of it in `made`, and its bundle in `device`."""
    found = tmp_path_factory.mktemp("seconds")
    lay(SECONDS, make_device_models(SECONDS, found), found / "device")
    return found


@pytest.fixture(scope="module")
def table(folder: Path) -> dict[str, Any]:
    """The test split's labels and the server's predictions."""
    found: dict[str, Any] = parquet.read_table(folder / "made" / PREDICTIONS).to_pydict()
    return found


def test_the_server_answers_in_64_bits_what_device_files_answer_less_the_offset(folder: Path) -> None:
    bound = bound_problem(SECONDS)
    rows = some_rows(folder / "examples" / "Split-test", bound, columns(SCHEMA))
    served = tf.saved_model.load(str(folder / "model" / signatures.SERVING_FORM))

    answer = served.signatures[signatures.PREDICT_ROWS](
        **{name: tf.constant(values) for name, values in rows.columns.items()}
    )["value"].numpy()

    assert answer.dtype == np.float64
    # Within a few deviations of 75 about the offset: an answer in float32 would be a multiple of 128.
    assert np.all(np.abs(answer - OFFSET) < 75 * 20)
    assert np.any(answer % 128 != 0)
    scores = DeviceModel(folder / "made" / "float32.tflite").predict(rows.columns)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores[:, 0], answer - OFFSET, atol=75 * 1e-4)
    assert validate(folder / "model" / signatures.SERVING_FORM, rows, bound) == []


def test_predictions_and_labels_are_written_in_the_labels_unit(table: dict[str, Any]) -> None:
    assert all(float(label).is_integer() and abs(label - OFFSET) < 75 * 6 for label in table["sown"])
    assert all(abs(value - OFFSET) < 75 * 20 for value in table["predicted.value"])


def test_every_error_is_that_of_float64(folder: Path, table: dict[str, Any]) -> None:
    error = float(np.mean(np.abs(np.array(table["sown"]) - np.array(table["predicted.value"]))))
    variants = {one["name"]: one for one in json.loads((folder / "made" / "variants.json").read_text())}
    assert variants["float32"]["server"] == pytest.approx(error, rel=1e-6)
    assert variants["float32"]["value"] == pytest.approx(error, rel=1e-5)
    assert variants["float32"]["flip_rate"] == 0.0
    assert variants["float32"]["label_deviation"] == pytest.approx(np.std(table["sown"]), rel=1e-6)

    config = eval_config(bound_problem(SECONDS).problem)
    shards = sorted((folder / "examples" / "Split-test").glob("*.gz"))
    model = folder / "model" / signatures.SERVING_FORM
    answered = answered_rows(model, shards, config, SCHEMA)
    assert answered.metrics(config)[()]["mean_absolute_error"] == pytest.approx(error, rel=1e-6)
    # The answers lie some deviations apart: the offset is no measure of what two evaluations may differ by.
    assert answered.scale < 75 * 40
    check = official_check(model, shards, len(answered.labels), config, SCHEMA, seed=0)
    assert check.disagreements == ()


def test_the_bundle_says_what_is_to_be_added(folder: Path) -> None:
    output = json.loads((folder / "device" / "manifest.json").read_text(encoding="utf-8"))["output"]
    assert (output["offset"], output["description"]) == (OFFSET, "the value of sown less 1,700,000,000")
    readme = " ".join((folder / "device" / "README.md").read_text(encoding="utf-8").split())
    assert "Add 1700000000 to it as a number of 64 bits" in readme
    assert read_card((folder / "device" / "int8.tflite").read_bytes()).label_offset == OFFSET


def test_the_example_adds_it(folder: Path) -> None:
    example = ROOT / "examples" / "device" / "python" / "predict.py"
    done = subprocess.run(
        [sys.executable, example, folder / "device", "--set", "soil=loam"], capture_output=True, text=True, check=True
    )
    name, value, unit = done.stdout.split()
    assert (name, unit) == ("sown:", "s")
    assert abs(int(value) - OFFSET) < 75 * 20
