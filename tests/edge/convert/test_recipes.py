"""What each recipe promises of its weights."""

import gzip
import re
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as litert
from ai_edge_litert.interpreter import Interpreter

from edge.convert import recipes
from edge.convert.conversion_source import Source
from edge.convert.conversion_worker import build
from edge.convert.converter import Converted, convert_each
from edge.convert.recipes import RECIPES
from edge.flatbuffer import model_io
from edge.runtime.litert_model import Array, Columns, DeviceModel
from schema.techniques import Technique
from tests.edge import device_form

LEVELS = 16


def dense_weights(content: bytes) -> list[Any]:
    """The int8 weight tensors of dense layers, and the model's data of each."""
    model = model_io.read(content)
    tensors = model.subgraphs[0].tensors
    layers = [operator for operator in model_io.operators(model) if operator.name == "FULLY_CONNECTED"]
    found = [tensors[layer.inputs[1]] for layer in layers]
    return [(tensor, data(model, tensor)) for tensor in found if tensor.type == litert.TensorType.INT8]


def data(model: Any, tensor: Any) -> Array:
    return np.asarray(model.buffers[tensor.buffer].data, np.uint8).view(np.int8).reshape([int(n) for n in tensor.shape])


def test_the_records_name_what_there_is() -> None:
    assert {
        "float32",
        "float16",
        "dynamic_int8",
        "int8",
        "int8_portable",
        "int4_embeddings",
        "pruned_int8",
        "clustered_int8",
        "qat_int8",
        "pruned_qat_int8",
    } <= set(RECIPES)
    assert {recipe.technique for recipe in RECIPES.values()} == {None, *Technique}
    assert all(name == recipe.name for name, recipe in RECIPES.items())
    assert all(recipe.expectation for recipe in RECIPES.values())


def test_no_two_records_have_one_name() -> None:
    assert len(recipes._ALL) == len(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_asks_for_calibration_rows_where_it_reads_them(name: str, base: bytes) -> None:
    read = []

    def calibration() -> Columns:
        read.append(name)
        return device_form.rows(64, seed=1)

    build(Source(base, calibration), name)

    assert bool(read) == RECIPES[name].needs_calibration


def test_the_record_that_the_guide_shows_makes_a_file(
    base: bytes, columns: Columns, expected: Array, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = (Path(__file__).resolve().parents[3] / "docs" / "devices.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```python\n(Recipe\(.*?)```", guide, re.S)
    module = tmp_path / "shown.py"
    module.write_text(f"from edge.convert.recipes import *\n\nshown = {shown}", encoding="utf-8")
    recipe = runpy.run_path(str(module))["shown"]
    monkeypatch.setitem(RECIPES, recipe.name, recipe)

    content = build(Source(base, lambda: device_form.rows(1024, seed=1)), recipe.name)

    assert {len(tensor.quantization.scale) for tensor, _ in dense_weights(content)} == {48}
    answers = DeviceModel(Interpreter(model_content=content)).predict(columns)
    assert float(np.abs(answers - expected).mean()) < 0.01


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A device form whose dense layer has one channel of a hundred times the others' range."""

    def change(name: str, value: Array) -> Array:
        if name == "dense":
            value = value * np.where(np.arange(value.shape[1]) == 3, 1.0, 0.01).astype(np.float32)
        return value

    return device_form.save(tmp_path_factory.mktemp("uneven"), change=change)


def test_a_scale_a_channel_where_channels_differ(uneven: Path, tmp_path: Path, columns: Columns) -> None:
    names = ["int8", "int8_portable"]
    made, failed = convert_each({None: uneven}, names, tmp_path, device_form.rows(1024, seed=1))
    assert failed == {}
    by_channel, whole = made
    (tensor, _), *others = dense_weights(by_channel.path.read_bytes())
    assert (len(tensor.quantization.scale), len(tensor.quantization.zeroPoint), others) == (48, 48, [])
    (tensor, _), *others = dense_weights(whole.path.read_bytes())
    assert (len(tensor.quantization.scale), others) == (1, [])
    # TensorFlow 2.9 answers 0.5 for every row of the first, without an error.
    assert (by_channel.minimum_runtime, whole.minimum_runtime) == ("2.10.0", "2.7.0")
    expected = device_form.answers(uneven, columns)
    away = [float(np.abs(DeviceModel(variant.path).predict(columns) - expected).mean()) for variant in made]
    assert away[0] < away[1]


def test_one_scale_a_layer_where_channels_are_alike(variants: dict[str, Converted]) -> None:
    for name in ("int8", "int8_portable"):
        for tensor, _ in dense_weights(variants[name].path.read_bytes()):
            assert len(tensor.quantization.scale) == 1


@pytest.fixture(scope="module")
def fine_tuned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Converted]:
    """Variants of weights as fine-tuning leaves them: four fifths zero, or of 16 values."""

    def pruned(name: str, value: Array) -> Array:
        least = np.quantile(np.abs(value), 0.8)
        return np.where(np.abs(value) < least, 0.0, value).astype(np.float32) if name == "dense" else value

    def clustered(name: str, value: Array) -> Array:
        values = np.linspace(value.min(), value.max(), LEVELS, dtype=np.float32)
        return values[np.abs(value[..., None] - values).argmin(axis=-1)] if name == "dense" else value

    folder = tmp_path_factory.mktemp("fine_tuned")
    models = {
        "pruned": device_form.save(folder / "pruned", change=pruned),
        "clustered": device_form.save(folder / "clustered", change=clustered),
    }
    made, failed = convert_each(dict(models), ["pruned_int8", "clustered_int8"], folder, device_form.rows(1024, seed=1))
    assert failed == {}
    return {variant.recipe: variant for variant in made}


def test_pruned_weights_stay_zero(fine_tuned: dict[str, Converted], variants: dict[str, Converted]) -> None:
    ((_, weights),) = dense_weights(fine_tuned["pruned_int8"].path.read_bytes())
    assert np.mean(weights == 0) >= 0.8
    assert fine_tuned["pruned_int8"].technique == "pruned"
    sizes = [len(gzip.compress(made.path.read_bytes())) for made in (fine_tuned["pruned_int8"], variants["int8"])]
    assert sizes[0] < sizes[1]


def test_clustered_weights_keep_their_few_values(fine_tuned: dict[str, Converted]) -> None:
    ((tensor, weights),) = dense_weights(fine_tuned["clustered_int8"].path.read_bytes())
    assert len(tensor.quantization.scale) == 1
    assert len(np.unique(weights)) == LEVELS


@pytest.mark.parametrize(("name", "scales"), [("qat_int8", 48), ("pruned_qat_int8", 1)])
def test_recipes_have_the_scales_that_training_has_seen(name: str, scales: int, base: bytes) -> None:
    source = Source(base, lambda: device_form.rows(256, seed=1))
    ((tensor, _),) = dense_weights(build(source, name))
    assert len(tensor.quantization.scale) == scales
