"""Conversion: same answers, smaller files, builtins only, and failures that say why."""

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as litert

from edge.convert.conversion_source import Source, float32
from edge.convert.conversion_worker import build
from edge.convert.converter import Converted, convert_each
from edge.flatbuffer import model_io
from edge.runtime.litert_model import Array, Columns, DeviceModel
from schema.errors import InputError
from tests.edge import device_form
from tests.edge.area import auc

# As the recipes' expectations say; int4's loss is that of tables of 16 levels.
TOLERANCES = {
    "float32": 1e-6,
    "float16": 1e-3,
    "dynamic_int8": 0.01,
    "int8": 0.02,
    "int8_portable": 0.02,
    "int4_embeddings": 0.1,
}


@pytest.mark.parametrize("recipe", list(TOLERANCES))
def test_answers_as_the_saved_model(
    recipe: str, variants: dict[str, Converted], columns: Columns, expected: Array
) -> None:
    scores = DeviceModel(variants[recipe].path).predict(columns)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, rtol=0, atol=TOLERANCES[recipe])


@pytest.mark.parametrize("recipe", list(TOLERANCES))
def test_missing_and_unseen_values_answer_as_the_saved_model(
    recipe: str, variants: dict[str, Converted], saved_model: Path
) -> None:
    nan = np.nan
    rows: Columns = {
        "carrier": np.array([b"", b"never seen", b"AA", b"AA", b"AA", "é漢".encode()], dtype=object),
        "tail": np.array([b"N00001", b"N00001", b"", b"?", b"N02999", b"N00000"], dtype=object),
        "hour": np.array([5, 5, -1, 24, 2**40, -(2**40)], dtype=np.int64),
        "distance": np.array([nan, 1e9, -1e9, 80, 4983, nan], dtype=np.float32),
        "pressure": np.array([1013.2, nan, nan, np.inf, -np.inf, nan], dtype=np.float32),
    }
    scores = DeviceModel(variants[recipe].path).predict(rows)
    np.testing.assert_allclose(scores, device_form.answers(saved_model, rows), rtol=0, atol=TOLERANCES[recipe])


@pytest.mark.parametrize("recipe", ["dynamic_int8", "int8", "int8_portable"])
def test_quantization_keeps_the_order(
    recipe: str, variants: dict[str, Converted], columns: Columns, expected: Array
) -> None:
    labels = (np.random.default_rng(5).random(len(expected)) < expected[:, 0]).astype(np.int64)
    server = auc(labels, expected[:, 0])
    variant = auc(labels, DeviceModel(variants[recipe].path).predict(columns)[:, 0])
    assert server is not None
    assert variant is not None
    assert abs(server - variant) < 0.001


def test_every_recipe_makes_its_file_smaller(variants: dict[str, Converted]) -> None:
    size = {name: entry.bytes for name, entry in variants.items()}
    assert size["float16"] < 0.55 * size["float32"]
    assert size["dynamic_int8"] < 0.30 * size["float32"]
    assert size["int8_portable"] <= size["int8"] < 0.30 * size["float32"]
    assert size["int4_embeddings"] < 0.65 * size["dynamic_int8"]


def test_files_hold_builtins_only(variants: dict[str, Converted]) -> None:
    for entry in variants.values():
        assert model_io.custom_operators(model_io.read(entry.path.read_bytes())) == ()
        assert {"HASHTABLE_FIND", "FULLY_CONNECTED"} <= set(entry.operators)


def test_a_variant_says_who_made_it_and_what_runs_it(variants: dict[str, Converted]) -> None:
    backends = {name: entry.backend for name, entry in variants.items()}
    assert backends["int8"] == backends["float32"] == "tf_converter"
    assert backends["float16"] == backends["dynamic_int8"] == "flatbuffer"
    assert backends["int4_embeddings"] == "ai_edge_quantizer"
    assert {entry.technique for entry in variants.values()} == {None}
    # Sums of int64 came with 2.6, 16-bit scores with 2.7, and lookups in tables of four bits with 2.18.
    runtimes = {name: entry.minimum_runtime for name, entry in variants.items()}
    assert runtimes["int4_embeddings"] == "2.18.0"
    assert runtimes["int8"] == runtimes["int8_portable"] == "2.7.0"
    assert runtimes["float32"] == runtimes["float16"] == runtimes["dynamic_int8"] == "2.6.0"


@pytest.mark.parametrize("recipe", ["dynamic_int8", "int8"])
def test_embedding_tables_are_int8(recipe: str, variants: dict[str, Converted]) -> None:
    model = model_io.read(variants[recipe].path.read_bytes())
    tables = [operator.inputs[0] for operator in model_io.operators(model) if operator.name == "GATHER"]
    largest = max(tables, key=lambda index: model_io.tensor_size(model, index))
    assert model.subgraphs[0].tensors[largest].type == litert.TensorType.INT8


def test_raw_numbers_stay_float_in_int8(variants: dict[str, Converted]) -> None:
    """The boundaries are subtracted in float32, and the dense layer before the head multiplies in int8."""
    model = model_io.read(variants["int8"].path.read_bytes())
    types = {
        operator.name: [model.subgraphs[0].tensors[index].type for index in operator.inputs[:2]]
        for operator in reversed(model_io.operators(model))
    }
    assert types["SUB"] == [litert.TensorType.FLOAT32] * 2
    assert types["FULLY_CONNECTED"] == [litert.TensorType.INT8] * 2


@pytest.mark.parametrize(("outputs", "activation"), [(3, "softmax"), (1, "linear")])
def test_other_tasks(outputs: int, activation: str, tmp_path: Path, columns: Columns) -> None:
    saved = device_form.save(tmp_path / "saved", outputs, activation)
    source = Source(float32(saved), lambda: device_form.rows(1024, seed=1))
    rows = {name: values[:500] for name, values in columns.items()}
    expected = device_form.answers(tmp_path / "saved", rows)
    for recipe, share in (("float32", 1e-5), ("int8", 0.1)):
        (tmp_path / f"{recipe}.tflite").write_bytes(build(source, recipe))
        scores = DeviceModel(tmp_path / f"{recipe}.tflite").predict(rows)
        assert scores.shape == (500, outputs)
        assert np.abs(scores - expected).mean() < share * float(expected.std())


class Rankless(tf.Module):
    """A model that answers two rows and not one, since the lookup's shape is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.table = device_form.table(["AA", "B6"])
        self.vectors = tf.constant(np.eye(4, dtype=np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="carrier")])
    def serve(self, carrier: tf.Tensor) -> dict[str, tf.Tensor]:
        """The signature."""
        found = self.table.lookup(carrier)
        vectors = tf.gather(self.vectors, tf.where(carrier == "", 0 * tf.ones_like(found), found))
        return {"score": tf.reduce_sum(tf.concat([vectors, vectors], axis=1), axis=1, keepdims=True)}


def test_a_file_that_fails_at_one_row_is_refused(tmp_path: Path) -> None:
    module = Rankless()
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures={"serving_default": module.serve})
    with pytest.raises(RuntimeError, match="CONCATENATION"):
        build(Source(float32(tmp_path / "saved")), "float32")


class Hashing(tf.Module):
    """A model whose one operator LiteRT does not have."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="carrier")])
    def serve(self, carrier: tf.Tensor) -> dict[str, tf.Tensor]:
        """The signature."""
        return {"score": tf.cast(tf.strings.to_hash_bucket_fast(carrier, 10), tf.float32)[:, None]}


def test_a_failure_names_the_operator_and_leaves_nothing(tmp_path: Path) -> None:
    module = Hashing()
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures={"serving_default": module.serve})
    made, failed = convert_each({None: tmp_path / "saved"}, ["float32", "float16"], tmp_path / "out")
    assert made == []
    assert list(failed) == ["float32", "float16"]
    for reason in failed.values():
        assert "StringToHashBucketFast" in reason
        assert "ended with exit code 1: converting by recipe (any), the float32 file first" in reason
        assert len(reason.splitlines()) == 1
    assert list((tmp_path / "out").iterdir()) == []


class Huge(tf.Module):
    """A model with a weight that half precision cannot hold."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = tf.Variable(tf.fill([16, 64], 1e6))
        self.head = tf.Variable(tf.ones([64, 1]))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="distance")])
    def serve(self, distance: tf.Tensor) -> dict[str, tf.Tensor]:
        """The signature."""
        hidden = tf.nn.relu(tf.matmul(tf.repeat(distance[:, None], 16, axis=1), self.weights))
        return {"score": tf.matmul(hidden, self.head)}


def test_a_recipe_that_fails_costs_the_others_nothing(tmp_path: Path) -> None:
    module = Huge()
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures={"serving_default": module.serve})
    names = ["float32", "float16", "dynamic_int8"]
    made, failed = convert_each({None: tmp_path / "saved"}, names, tmp_path / "out")
    assert [variant.recipe for variant in made] == ["float32", "dynamic_int8"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dynamic_int8.tflite", "float32.tflite"]
    assert list(failed) == ["float16"]
    assert "exceeds half precision's 65504" in failed["float16"]


def test_wrong_requests_are_refused_before_a_process_starts(saved_model: Path, tmp_path: Path) -> None:
    models = {None: saved_model}
    with pytest.raises(InputError, match=r"no recipe 'flaot16'\. Did you mean 'float16'\?"):
        convert_each(models, ["flaot16"], tmp_path)
    with pytest.raises(InputError, match="recipe 'int8' needs calibration rows"):
        convert_each(models, ["int8"], tmp_path)
    with pytest.raises(InputError, match=r"recipe 'pruned_int8' needs a model fine-tuned by 'pruned'\. Received: none"):
        convert_each(models, ["pruned_int8"], tmp_path, device_form.rows(8))
    with pytest.raises(InputError, match="no SavedModel there"):
        convert_each({None: tmp_path / "absent"}, ["float32"], tmp_path)
    with pytest.raises(InputError, match="no recipes"):
        convert_each(models, [], tmp_path)


def test_calibration_rows_are_read_once_while_the_process_starts(saved_model: Path, tmp_path: Path) -> None:
    read: list[int] = []

    def rows() -> Columns:
        read.append(1)
        return device_form.rows(64, seed=1)

    made, failed = convert_each({None: saved_model}, ["int8", "float32"], tmp_path, rows)
    assert ([variant.recipe for variant in made], failed, read) == (["int8", "float32"], {}, [1])


def _none() -> Columns:
    return {}


def _broken() -> Columns:
    raise OSError("no such disk")


def _interrupted() -> Columns:
    # Long enough after the start for a process to be there, as a person's Ctrl-C would be.
    time.sleep(0.5)
    raise KeyboardInterrupt


def _not_bytes() -> Columns:
    return {"carrier": np.array([b"AA", None], dtype=object)}


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (_none, InputError, "recipe 'int8' needs calibration rows"),
        (_broken, OSError, "no such disk"),
        (_interrupted, KeyboardInterrupt, None),
        (_not_bytes, InputError, "column 'carrier': expected bytes.*Received: None"),
    ],
)
def test_what_stops_a_conversion_leaves_no_process_and_no_file(
    rows: Callable[[], Columns], error: type[BaseException], message: str | None, saved_model: Path, tmp_path: Path
) -> None:
    before = _children()
    # None waits for the conversion to end, which would wait for its rows for ever.
    with pytest.raises(error, match=message):
        convert_each({None: saved_model}, ["int8", "dynamic_int8"], tmp_path, rows)
    assert _children() == before
    assert list(tmp_path.iterdir()) == []


def _children() -> set[str]:
    lists = Path("/proc/self/task").glob("*/children")
    return {child for children in lists for child in children.read_text(encoding="ascii").split()}


def test_a_conversion_whose_parent_has_gone_ends(saved_model: Path, tmp_path: Path) -> None:
    flags = ["--saved_model", str(saved_model), "--float32", str(tmp_path / "float32"), "--folder", str(tmp_path)]
    worker = [
        sys.executable,
        "-m",
        "edge.convert.conversion_worker",
        *flags,
        "--recipe",
        "int8",
        "--calibration",
        str(tmp_path / "rows"),
    ]
    done = subprocess.run(worker, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_is_killed_costs_no_other_recipe_its_file(
    saved_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recipe is one of the converter's own, so that others follow it in its process."""
    # Children import the project's modules by way of this file, which is no stand-in for what they do but for one name.
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(
        textwrap.dedent(
            """
            import sys, os, signal
            if "edge.convert.conversion_worker" in " ".join(sys.orig_argv):
                def killed(event, arguments):
                    if event == "open" and str(arguments[0]).endswith("/.int8.seconds"):
                        os.kill(os.getpid(), signal.SIGKILL)
                sys.addaudithook(killed)
            """
        ),
        encoding="utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    names = ["int8", "float32", "float16", "int8_portable"]
    made, failed = convert_each({None: saved_model}, names, tmp_path / "out", device_form.rows(64, seed=1))
    assert [variant.recipe for variant in made] == ["float32", "float16", "int8_portable"]
    assert list(failed) == ["int8"]
    assert "conversion ended by signal 9: converting by recipe int8" in failed["int8"]


def test_processes_beside_each_other_and_one_by_one_give_the_same_bytes(
    saved_model: Path, variants: dict[str, Converted], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    made, failed = convert_each({None: saved_model}, list(variants), tmp_path, device_form.rows(2048, seed=1))
    assert failed == {}
    for variant in made:
        assert variant.path.read_bytes() == variants[variant.recipe].path.read_bytes(), variant.recipe


def test_the_parent_does_not_grow(saved_model: Path, tmp_path: Path) -> None:
    before = _resident_bytes()
    convert_each({None: saved_model}, ["float32"], tmp_path)
    assert _resident_bytes() - before < 10_000_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["float32.tflite"]


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
