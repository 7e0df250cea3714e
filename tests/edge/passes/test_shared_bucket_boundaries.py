"""Bucket edges stored once."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from edge.convert.conversion_source import float32
from edge.flatbuffer import model_io
from edge.passes.shared_bucket_boundaries import store_edges_once
from edge.runtime.litert_model import Array, DeviceModel
from schema.ranks import SMALLEST_WIDTH

# As of weather: fine steps around a thousand, mostly zero, many equal edges of which the last is 0.
EDGES = np.stack(
    [
        np.linspace(983.8, 1042.1, 65),
        np.maximum(np.linspace(-3, 1.2, 65), 0),
        np.floor(np.linspace(-20, 0, 65)),
        np.sort(np.random.default_rng(3).standard_normal(65)),
    ]
).astype(np.float32)


class Ranks(tf.Module):
    """Piecewise-linear ranks, as the encodings have them, of one number among each feature's edges."""

    def __init__(self, left: Array, right: Array) -> None:
        super().__init__()
        self.left, self.right = left, right

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="pressure")])
    def serve(self, pressure: tf.Tensor) -> dict[str, tf.Tensor]:
        """The signature."""
        numbers = tf.stack([pressure] * len(self.left), axis=1)
        width = tf.maximum(self.right - self.left, SMALLEST_WIDTH)
        ranks = tf.clip_by_value((numbers[:, :, tf.newaxis] - self.left) / width, 0.0, 1.0)
        return {"score": tf.reduce_mean(ranks, axis=2)}


def _converted(left: Array, right: Array, folder: Path) -> bytes:
    module = Ranks(left, right)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})
    return float32(folder)


def _names(content: bytes) -> set[str]:
    return {operator.name for operator in model_io.operators(model_io.read(content))}


def test_answers_are_those_of_the_exact_division(tmp_path: Path) -> None:
    content = _converted(EDGES[:, :-1], EDGES[:, 1:], tmp_path)
    smaller = store_edges_once(content)
    assert "DIV" not in _names(content)
    assert {"DIV", "SLICE"} <= _names(smaller)
    # 4 features of 64 reciprocals, less what computes widths.
    assert len(content) - len(smaller) > 200
    numbers = np.concatenate([EDGES.ravel(), np.random.default_rng(0).uniform(-5, 1050, 500)]).astype(np.float32)
    found = DeviceModel(Interpreter(model_content=smaller)).predict({"pressure": numbers})
    width = np.maximum(EDGES[:, 1:] - EDGES[:, :-1], np.float32(SMALLEST_WIDTH))
    # Above a step the quotient overflows, and is clipped.
    with np.errstate(over="ignore"):
        exact = np.clip((numbers[:, None, None] - EDGES[:, :-1]) / width, 0, 1).mean(axis=2)
    np.testing.assert_allclose(found, exact, rtol=0, atol=2e-7)


@pytest.mark.parametrize("gap", [0.5, -0.01])
def test_buckets_that_do_not_touch_are_left_alone(gap: float, tmp_path: Path) -> None:
    content = _converted(EDGES[:, :-1], (EDGES[:, 1:] + gap).astype(np.float32), tmp_path)
    assert "DIV" not in _names(store_edges_once(content))


def test_a_graph_without_buckets_is_left_alone(base: bytes) -> None:
    assert store_edges_once(base) == base
