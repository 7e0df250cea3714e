"""Files of several signatures: each subgraph changed, one of them first, constants once."""

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from edge.flatbuffer import model_io, subgraphs
from edge.passes.float16 import halve
from edge.runtime.litert_model import Array

WEIGHTS = np.linspace(-1, 1, 512, dtype=np.float32).reshape(16, 32)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two signatures, `sum` and `product`, that share 512 weights."""

    def product(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.matmul(x, tf.constant(WEIGHTS))}

    def total(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.reduce_sum(tf.matmul(x, tf.constant(WEIGHTS)), axis=1)}

    spec = tf.TensorSpec([None, 16], tf.float32, "x")
    functions = [tf.function(found).get_concrete_function(x=spec) for found in (product, total)]
    module = tf.Module()
    module.product, module.sum = functions
    folder = str(tmp_path_factory.mktemp("saved"))
    tf.saved_model.save(module, folder, signatures={"product": module.product, "sum": module.sum})
    converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["product", "sum"])
    return bytes(converter.convert())


def ask(content: bytes, signature: str) -> Array:
    """What a signature answers to a row of ones."""
    runner = Interpreter(model_content=content).get_signature_runner(signature)
    return np.asarray(runner(x=np.ones((1, 16), np.float32))["y"])


def weight_bytes(content: bytes) -> int:
    """Bytes of the file's constants of 500 bytes or more."""
    sizes = [len(buffer.data) for buffer in model_io.read(content).buffers if buffer.data is not None]
    return sum(size for size in sizes if size >= 500)


def test_each_signature_is_shrunk_and_the_constants_kept_once(content: bytes) -> None:
    places = subgraphs.of_signatures(content, ["product", "sum"])
    assert sorted(places) == [0, 1]
    assert weight_bytes(subgraphs.share_constants(subgraphs.each(content, places[:1], halve))) == (4 + 2) * 512
    shared = subgraphs.share_constants(subgraphs.each(content, places, halve))
    assert weight_bytes(shared) == 2 * 512
    for signature in ("product", "sum"):
        np.testing.assert_allclose(ask(shared, signature), ask(content, signature), atol=0.01)


@pytest.mark.parametrize("first", ["product", "sum"])
def test_the_leading_signature_is_what_an_interpreter_runs(content: bytes, first: str) -> None:
    led = subgraphs.lead(content, first, "serving_default")
    assert subgraphs.of_signatures(led, [first, "serving_default"]) == [0, 0]
    for signature in ("product", "sum"):
        np.testing.assert_array_equal(ask(led, signature), ask(content, signature))
    interpreter = Interpreter(model_content=led)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.ones((1, 16), np.float32))
    interpreter.invoke()
    answer = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_array_equal(answer, ask(content, first))
