"""The device form that learns where it runs: a frozen body, and a linear head that steps down its own gradient."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import tensorflow as tf
import tf_keras

from models.export.export import RowModel, row_spec
from models.preprocessing.statistics import Statistics
from schema import signatures
from schema.bound import BoundProblem
from schema.problem import Task

_LOG = logging.getLogger(__name__)

# Layers of models.network.network: the head, and what is added to its logits, in this order there.
_HEAD = "head"
_WIDE = ("wide_numbers", "wide_categories")


class TrainableModel(RowModel):
    """Raw rows to scores, as RowModel, by a head of its own that `train` changes.

    The gradient is written out, and only operations that LiteRT has as builtins are used: a tape's operations and
    log1p are not among them.
    """

    def __init__(self, bound: BoundProblem, statistics: Statistics, network: tf_keras.Model) -> None:
        super().__init__(bound, statistics, network)
        head = network.get_layer(_HEAD)
        # Copies, so that training changes nothing of the network.
        self.kernel = tf.Variable(head.kernel.numpy(), name="head_kernel")
        self.bias = tf.Variable(head.bias.numpy(), name="head_bias")
        known = {layer.name for layer in network.layers}
        wide = [network.get_layer(name).output for name in _WIDE if name in known]
        self._body = partial(tf_keras.Model(network.input, [head.input, *wide]), training=False)
        self._logits = partial(self._with_body)

    def train(self, rows: Mapping[str, tf.Tensor], labels: tf.Tensor, learning_rate: tf.Tensor) -> dict[str, tf.Tensor]:
        """One step of gradient descent on the head, under the loss of the training: each member its own.

        Args:
            rows: dense raw columns [N].
            labels: [N]; int64 class numbers (0 and 1 for a binary problem, else places in `classes`), or float32 in
                the label's own unit less its offset. A row is left out if its label is no class number, or not finite.
            learning_rate: float32 []; 0 changes nothing. Nothing bounds it: one too large, or NaN, spoils the head.

        Returns:
            `loss`: float32 [], mean before the step over the rows that counted; in standardised units for a
            regression; 0 without such a row. `rows`: int32 [], how many counted.
        """
        values, *wide = self._body(self.encode(rows))
        logits = self._head(values, *wide)
        # A runtime would spread one label over all rows.
        targets, known = self._targets(tf.reshape(labels, tf.shape(values)[:1]))
        losses, slopes = loss_and_slope(logits, targets[:, tf.newaxis], self.bound.problem.task)
        counted = tf.reduce_sum(known)
        share = known / (tf.maximum(counted, 1.0) * logits.shape[1])
        step = learning_rate * slopes * share[:, tf.newaxis, tf.newaxis]
        self.kernel.assign_sub(tf.reduce_sum(values[:, :, :, tf.newaxis] * step[:, :, tf.newaxis], axis=0))
        self.bias.assign_sub(tf.reduce_sum(step, axis=0))
        return {
            signatures.LOSS: tf.reduce_sum(losses * share[:, tf.newaxis]),
            signatures.ROWS: tf.cast(counted, tf.int32),
        }

    def get_head(self) -> dict[str, tf.Tensor]:
        """The head: `kernel` [members, D, outputs] and `bias` [members, outputs], float32."""
        return {signatures.KERNEL: tf.identity(self.kernel), signatures.BIAS: tf.identity(self.bias)}

    def set_head(self, kernel: tf.Tensor, bias: tf.Tensor) -> dict[str, tf.Tensor]:
        """Puts in a head that `get_head` gave; returns `size`, int32 [], how many numbers it has.

        One of another shape is an error where it runs, and the head stays what it was.
        """
        kernel, bias = _of_shape(kernel, self.kernel.shape), _of_shape(bias, self.bias.shape)
        self.kernel.assign(kernel)
        self.bias.assign(bias)
        return {signatures.SIZE: tf.size(kernel) + tf.size(bias)}

    def _with_body(self, features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        return self._head(*self._body(features))

    def _head(self, values: tf.Tensor, *wide: tf.Tensor) -> tf.Tensor:
        """Logits [N, members, outputs] of values [N, members, D], as models.network.network computes them."""
        logits = tf.reduce_sum(values[:, :, :, tf.newaxis] * self.kernel, axis=2) + self.bias
        for part in wide:
            logits = logits + part[:, tf.newaxis]
        return logits

    def _targets(self, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """What the logits aim at, float32 [N, outputs], and 1 where the label is known, else 0, float32 [N]."""
        problem = self.bound.problem
        if problem.task is Task.REGRESSION:
            known = labels - labels == 0.0  # neither NaN nor infinite
            filled = tf.where(known, labels, tf.zeros_like(labels))
            targets = ((filled - self.statistics.answer_mean) / self.statistics.label_scale)[:, tf.newaxis]
        else:
            known = tf.logical_and(labels >= 0, labels < max(problem.outputs, 2))
            targets = tf.one_hot(labels, problem.outputs) if problem.outputs > 1 else _ones(labels)
        return targets, tf.cast(known, tf.float32)


def _ones(labels: tf.Tensor) -> tf.Tensor:
    return tf.cast(labels == 1, tf.float32)[:, tf.newaxis]


def _of_shape(values: tf.Tensor, shape: tf.TensorShape) -> tf.Tensor:
    """The values as they are, by operations that fail on a device unless their shape is this one.

    A LiteRT variable takes any shape. Another number of elements fails in the inner reshape; as many in another order
    make a larger product of broadcasting, which fails in the outer one.
    """
    return tf.reshape(tf.maximum(values, tf.reshape(values, shape)), shape)


def loss_and_slope(logits: tf.Tensor, targets: tf.Tensor, task: Task) -> tuple[tf.Tensor, tf.Tensor]:
    """Each member's loss [N, members], as models.training.fit.MemberLoss, and its derivative by the logits.

    Args:
        logits: float32 [N, members, outputs].
        targets: float32 [N, 1, outputs]: 0 or 1, a one-hot row, or standardised values.
        task: says which loss: cross entropy of a sigmoid or a softmax, or the squared error.
    """
    if task is Task.BINARY:
        # log(1 + exp(z)) - z y, without the overflow of a large z.
        losses = tf.nn.relu(logits) - logits * targets + tf.math.log(1.0 + tf.exp(-tf.abs(logits)))
        slopes = tf.sigmoid(logits) - targets
    elif task is Task.MULTICLASS:
        losses = -targets * tf.nn.log_softmax(logits)
        slopes = tf.nn.softmax(logits) - targets
    else:
        losses = tf.square(logits - targets)
        slopes = 2.0 * (logits - targets)
    return tf.reduce_sum(losses, axis=2), slopes


def export_trainable(model: TrainableModel, folder: Path) -> bool:
    """Writes the trainable form below `folder`; says whether it could.

    It cannot where a feature has the name of what `train` takes beside features.
    """
    spec = row_spec(model.bound)
    clashes = sorted({signatures.LABEL, signatures.LEARNING_RATE} & set(spec))
    if clashes:
        _LOG.warning("no model to train on devices is exported: 'train' takes a '%s' besides the feature", clashes[0])
        return False
    tf.saved_model.save(model, str(folder / signatures.TRAINABLE_FORM), signatures=_signatures(model, spec))
    return True


def _signatures(
    model: TrainableModel, spec: Mapping[str, tf.TensorSpec]
) -> dict[str, tf.types.experimental.ConcreteFunction]:
    regression = model.bound.problem.task is Task.REGRESSION
    label = tf.TensorSpec([None], tf.float32 if regression else tf.int64, signatures.LABEL)
    rate = tf.TensorSpec([], tf.float32, signatures.LEARNING_RATE)
    # Of unknown lengths, or the conversion would take the checks of the shape for idle.
    head = {
        signatures.KERNEL: tf.TensorSpec([None, None, None], tf.float32, signatures.KERNEL),
        signatures.BIAS: tf.TensorSpec([None, None], tf.float32, signatures.BIAS),
    }
    return {
        signatures.PREDICT: _traced(lambda **rows: {signatures.DEVICE_SCORE: model.score(rows)}, spec),
        signatures.TRAIN: _traced(
            lambda label, learning_rate, **rows: model.train(rows, label, learning_rate),
            {**spec, signatures.LABEL: label, signatures.LEARNING_RATE: rate},
        ),
        signatures.GET_HEAD: _traced(model.get_head, {}),
        signatures.SET_HEAD: _traced(model.set_head, head),
    }


def _traced(
    answer: Callable[..., dict[str, tf.Tensor]], spec: Mapping[str, tf.TensorSpec]
) -> tf.types.experimental.ConcreteFunction:
    return tf.function(answer, autograph=False).get_concrete_function(**spec)
