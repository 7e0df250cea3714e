"""The last activation in 16 bits: near the float one, and only where a model ends in one."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from edge.convert.converter import convert_each
from edge.flatbuffer import model_io
from edge.flatbuffer.strip_metadata import slim
from edge.passes.int16_output import MOST_CLASSES, integer_scores
from edge.runtime.litert_model import Array, Columns, DeviceModel
from tests.edge import device_form


def names(content: bytes) -> list[str]:
    """The operators' names, in order."""
    return [operator.name for operator in model_io.operators(model_io.read(content))]


@pytest.fixture(scope="module")
def floats(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A float32 file by last activation."""
    folder, outputs = tmp_path_factory.mktemp("floats"), {"sigmoid": 1, "softmax": 3, "linear": 1}
    for activation, count in outputs.items():
        saved = device_form.save(folder / activation / "saved", count, activation)
        convert_each({None: saved}, ["float32"], folder / activation)
    return {activation: folder / activation / "float32.tflite" for activation in outputs}


@pytest.mark.parametrize(("activation", "name"), [("sigmoid", "LOGISTIC"), ("softmax", "SOFTMAX")])
def test_scores_are_the_float_ones_to_a_step_of_sixteen_bits(
    activation: str, name: str, floats: dict[str, Path], columns: Columns, tmp_path: Path
) -> None:
    content = floats[activation].read_bytes()
    changed = tmp_path / "changed.tflite"
    changed.write_bytes(slim(integer_scores(content)))

    before, after = DeviceModel(floats[activation]).predict(columns), DeviceModel(changed).predict(columns)

    # A logit is moved by half a step of 1/2048 at most, and a score by a quarter of that and its own step.
    assert np.abs(before - after).max() < 2.0**-12 / 4 + 2 * 2.0**-15
    # Means of four members, each a multiple of 2^-15.
    np.testing.assert_array_equal(after * 2.0**17, np.round(after * 2.0**17))
    found = names(integer_scores(content))
    place = found.index(name)
    assert found[place - 1 : place + 2] == ["QUANTIZE", name, "DEQUANTIZE"]
    assert len(found) == len(names(content)) + (2 if name == "LOGISTIC" else 4)


class Softmax(tf.Module):
    """A softmax of what it is given."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.serve = tf.function(
            lambda logits: {"score": tf.nn.softmax(logits)},
            input_signature=[tf.TensorSpec([None, classes], tf.float32, "logits")],
        )


def softmax(classes: int) -> bytes:
    """The converter's file of nothing but a softmax."""
    module = Softmax(classes)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.serve.get_concrete_function()], module)
    return bytes(converter.convert())


def answers(content: bytes, logits: list[float]) -> Array:
    """The scores of one row."""
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.array([logits], np.float32))
    interpreter.invoke()
    scores: Array = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
    return scores


@pytest.mark.parametrize("logits", [[20.0, 18.0, -38.0], [1000.0, 999.0, 998.0], [-50.0, -51.0, -90.0]])
def test_logits_far_from_zero_keep_their_differences(logits: list[float]) -> None:
    changed = integer_scores(softmax(3))

    # e^-10 of two small classes, and a step.
    np.testing.assert_allclose(answers(changed, logits), answers(softmax(3), logits), rtol=0, atol=3 * 6e-5)


def test_a_softmax_of_many_classes_stays_in_float() -> None:
    assert "QUANTIZE" in names(integer_scores(softmax(MOST_CLASSES)))
    assert names(integer_scores(softmax(MOST_CLASSES + 1))) == ["SOFTMAX"]


def test_a_model_without_a_last_activation_stays_as_it_is(floats: dict[str, Path]) -> None:
    content = floats["linear"].read_bytes()

    assert names(integer_scores(content)) == names(content)


def test_the_int8_recipe_ends_in_integers(variants: dict[str, Path]) -> None:
    content = variants["int8"].path.read_bytes()

    assert "QUANTIZE LOGISTIC DEQUANTIZE" in " ".join(names(content))
