"""A device form built to lose under int8: raw numbers of very different ranges, stacked into one dense layer."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from edge.runtime.litert_model import Array

UNITS = 80


def rows(count: int, seed: int = 1) -> dict[str, Array]:
    """Air pressure about 1017 hPa, and rain from 0 to 1.2, which falls in one row of three."""
    draw = np.random.default_rng(seed)
    rain = np.where(draw.random(count) < 1 / 3, draw.uniform(0.1, 1.2, count), 0.0)
    return {"precip": rain.astype(np.float32), "pressure": draw.uniform(990, 1040, count).astype(np.float32)}


class LosingForm(tf.Module):
    """`score` [N, 1] of the two numbers: the wetter and the lower the pressure the likelier."""

    def __init__(self) -> None:
        super().__init__()
        weights = np.zeros((2, UNITS), np.float32)
        weights[0, : UNITS // 2], weights[1, UNITS // 2 :] = 1.0, -0.02
        bias = np.zeros(UNITS, np.float32)
        # Half of the units carry the rain, half how far the pressure lies below 1040.
        bias[UNITS // 2 :] = 0.02 * 1040
        self.weights, self.bias = tf.Variable(weights), tf.Variable(bias)
        self.head = tf.Variable(np.full((UNITS, 1), 4.0 / UNITS, np.float32))

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.float32, "precip"), tf.TensorSpec([None], tf.float32, "pressure")]
    )
    def serve(self, precip: tf.Tensor, pressure: tf.Tensor) -> dict[str, tf.Tensor]:
        """The signature."""
        hidden = tf.nn.relu(tf.matmul(tf.stack([precip, pressure], axis=1), self.weights) + self.bias)
        return {"score": tf.sigmoid(tf.matmul(hidden, self.head) - 2.0)}


def save(folder: Path) -> Path:
    """Writes the SavedModel into `folder` and gives it back."""
    module = LosingForm()
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})
    return folder
