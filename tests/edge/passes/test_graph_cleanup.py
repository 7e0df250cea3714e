"""Fewer operators, the same function."""

from pathlib import Path

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from edge.convert.conversion_source import float32
from edge.flatbuffer import model_io
from edge.passes.graph_cleanup import tidy
from edge.runtime.litert_model import Array, Columns, DeviceModel


class Head(tf.Module):
    """A head as the network's: members' scales, an axis, weights; and slices that take all, a part, and one of two."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        draw = np.random.default_rng(outputs)
        self.scale = tf.Variable(draw.standard_normal((4, 8)).astype(np.float32))
        self.kernel = tf.Variable(draw.standard_normal((4, 8, outputs)).astype(np.float32))
        self.spread = tf.constant(draw.standard_normal((1, 32)).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="distance")])
    def serve(self, distance: tf.Tensor) -> dict[str, tf.Tensor]:
        """The signature."""
        members = tf.reshape(distance[:, tf.newaxis] * self.spread, [-1, 4, 8])
        logits = tf.reduce_sum((members * self.scale)[:, :, :, tf.newaxis] * self.kernel, axis=2)
        return {"score": tf.reduce_mean(logits, axis=1) + members[:, 1, :1] - members[:, ::3, 0][:, :1]}


def _answers(content: bytes, columns: Columns) -> Array:
    return DeviceModel(Interpreter(model_content=content)).predict(columns)


def _count(content: bytes, name: str) -> int:
    return sum(operator.name == name for operator in model_io.operators(model_io.read(content)))


def test_the_same_answers_with_fewer_operators(tmp_path: Path) -> None:
    columns = {"distance": np.random.default_rng(1).standard_normal(64).astype(np.float32)}
    for outputs in (1, 3):
        module = Head(outputs)
        tf.saved_model.save(module, str(tmp_path / str(outputs)), signatures={"serving_default": module.serve})
        content = float32(tmp_path / str(outputs))
        less = tidy(content)
        np.testing.assert_allclose(_answers(less, columns), _answers(content, columns), rtol=0, atol=1e-5)
        # The scales are part of the weights now, and only slices that take a part are left.
        assert _count(less, "MUL") == _count(content, "MUL") - 1
        assert 0 < _count(less, "STRIDED_SLICE") < _count(content, "STRIDED_SLICE")
        assert len(less) < len(content)


def test_a_graph_without_either_stays_as_it_is(base: bytes) -> None:
    assert tidy(base) == base
