"""A small device form with the ops of the real one: tables, piecewise-linear ranks, embeddings, members."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from edge.runtime.litert_model import Array, Columns

KNOTS = 8
MEMBERS = 4
TAILS = 3000
# Wide, so that the embeddings fill the file and not the vocabulary, whose 10 bytes a term no recipe makes smaller.
WIDTH = 64
CARRIERS = ("AA", "B6", "DL", "UA", "WN", "EV", "MQ", "9E")
DISTANCES = (80.0, 200.0, 500.0, 760.0, 1000.0, 1400.0, 2475.0, 4983.0)
PRESSURES = (983.8, 1008.0, 1012.0, 1015.0, 1017.5, 1020.0, 1024.0, 1042.1)


def tails() -> list[str]:
    """The known tail numbers."""
    return [f"N{number:05d}" for number in range(TAILS)]


def rows(count: int, seed: int = 7) -> dict[str, Array]:
    """`count` raw rows with a share of missing and unseen values in every column but the integer one."""
    draw = np.random.default_rng(seed)
    carrier = draw.choice(np.array([*CARRIERS, "", "ZZ"], dtype=object), count)
    tail = draw.choice(np.array([*tails(), "", "N?"], dtype=object), count)
    tail[draw.random(count) < 0.05] = ""
    distance = draw.choice(np.linspace(80, 4983, 200), count).astype(np.float32)
    pressure = (1017.0 + 7.0 * draw.standard_normal(count)).astype(np.float32)
    distance[draw.random(count) < 0.05] = np.nan
    pressure[draw.random(count) < 0.1] = np.nan
    return {
        "carrier": np.array([value.encode() for value in carrier], dtype=object),
        "tail": np.array([value.encode() for value in tail], dtype=object),
        "hour": draw.integers(-1, 25, count).astype(np.int64),
        "distance": distance,
        "pressure": pressure,
    }


def table(values: list[str]) -> tf.lookup.StaticHashTable:
    """A table to ids of known strings from 2 on, 1 for the empty (missing) string, 0 for any other."""
    ids = tf.range(1, len(values) + 2, dtype=tf.int64)
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(tf.constant(["", *values]), ids), 0)


def lookup(known: tf.lookup.StaticHashTable, strings: tf.Tensor) -> tf.Tensor:
    """Ids [N]. A lookup's own shape is lost in conversion, and with it every shape that follows; reshaping fixes it."""
    return tf.reshape(known.lookup(strings), [-1])


def basis(x: tf.Tensor, knots: tuple[float, ...]) -> tf.Tensor:
    """Float [N, K + 1] hat basis of the rank of `x` [N] among `knots`, and a last column that is 1 where missing."""
    missing = tf.math.is_nan(x)
    low, high = tf.constant([knots[:-1]]), tf.constant([knots[1:]])
    filled = tf.where(missing, tf.fill(tf.shape(x), knots[0]), x)[:, None]
    rank = tf.reduce_mean(tf.clip_by_value((filled - low) / (high - low), 0.0, 1.0), axis=1, keepdims=True)
    hats = tf.nn.relu(1.0 - tf.abs(rank * (KNOTS - 1) - tf.range(KNOTS, dtype=tf.float32)[None, :]))
    flag = tf.cast(missing, tf.float32)[:, None]
    return tf.concat([hats * (1.0 - flag), flag], axis=1)


class DeviceForm(tf.Module):
    """Raw features of `rows` in, `score` [N, outputs] out; weights fixed by `seed`."""

    def __init__(self, outputs: int = 1, activation: str = "sigmoid", seed: int = 3) -> None:
        super().__init__()
        draw = np.random.default_rng(seed)
        self.activation = activation
        self.carriers = table(list(CARRIERS))
        self.tails = table(tails())

        def weight(*shape: int, scale: float) -> tf.Variable:
            return tf.Variable((draw.standard_normal(shape) * scale).astype(np.float32))

        self.carrier_vectors = weight(len(CARRIERS) + 2, WIDTH, scale=0.5)
        self.tail_vectors = weight(TAILS + 2, WIDTH, scale=0.5)
        self.hour_vectors = weight(25, WIDTH, scale=0.5)
        width = 3 * WIDTH + 2 * (KNOTS + 1)
        self.scales = tf.Variable(draw.choice([-1.0, 1.0], (MEMBERS, width)).astype(np.float32))
        self.dense = weight(width, 48, scale=width**-0.5)
        self.bias = weight(48, scale=0.1)
        self.out_scales = weight(MEMBERS, 48, scale=1.0)
        self.heads = weight(48, outputs, scale=0.3)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="carrier"),
            tf.TensorSpec([None], tf.string, name="tail"),
            tf.TensorSpec([None], tf.int64, name="hour"),
            tf.TensorSpec([None], tf.float32, name="distance"),
            tf.TensorSpec([None], tf.float32, name="pressure"),
        ]
    )
    def serve(
        self, carrier: tf.Tensor, tail: tf.Tensor, hour: tf.Tensor, distance: tf.Tensor, pressure: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """The signature."""
        inside = tf.logical_and(hour >= 0, hour <= 23)
        hours = tf.where(inside, hour + 1, tf.zeros_like(hour))
        features = tf.concat(
            [
                tf.gather(self.carrier_vectors, lookup(self.carriers, carrier)),
                tf.gather(self.tail_vectors, lookup(self.tails, tail)),
                tf.gather(self.hour_vectors, hours),
                basis(distance, DISTANCES),
                basis(pressure, PRESSURES),
            ],
            axis=1,
        )
        members = tf.expand_dims(features, 1) * self.scales[None, :, :]
        hidden = tf.nn.relu(tf.matmul(tf.reshape(members, [-1, members.shape[-1]]), self.dense) + self.bias)
        hidden = tf.reshape(hidden, [-1, MEMBERS, 48]) * self.out_scales[None, :, :]
        logits = tf.reshape(tf.matmul(tf.reshape(hidden, [-1, 48]), self.heads), [-1, MEMBERS, self.heads.shape[-1]])
        return {"score": tf.reduce_mean(self._activate(logits), axis=1)}

    def _activate(self, logits: tf.Tensor) -> tf.Tensor:
        if self.activation == "sigmoid":
            return tf.sigmoid(logits)
        return tf.nn.softmax(logits) if self.activation == "softmax" else logits


def save(
    folder: Path,
    outputs: int = 1,
    activation: str = "sigmoid",
    change: Callable[[str, Array], Array] | None = None,
) -> Path:
    """Writes the SavedModel into `folder` and gives it back; `change` makes other weights of the random ones."""
    module = DeviceForm(outputs, activation)
    for name, value in vars(module).items():
        if change and isinstance(value, tf.Variable):
            value.assign(change(name, value.numpy()))
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})
    return folder


def answers(saved_model: Path, columns: Columns) -> Array:
    """The SavedModel's answers, float32 [N, k]."""
    serve = tf.saved_model.load(str(saved_model)).signatures["serving_default"]
    tensors = {name: tf.constant(list(v) if v.dtype.kind == "O" else v) for name, v in columns.items()}
    return np.asarray(serve(**tensors)["score"])
