"""A trained network as the teacher of those that are fine-tuned from it (Hinton et al., 2015, arXiv:1503.02531)."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from numpy.typing import NDArray

from models.data.dataset import Teacher, feature_spec
from models.network.network import build_network
from models.preprocessing.statistics import Statistics
from models.training.fit import member_mean
from schema.bound import BoundProblem
from schema.problem import Task


def make_teacher(bound: BoundProblem, statistics: Statistics, weights: Sequence[NDArray[Any]], share: float) -> Teacher:
    """What gives targets: `share` of them are the scores of the network with these weights, the rest are the labels.

    Features and labels are as `models.data.dataset.feature_spec` parses them, [B] each. Targets are float32:
    probabilities [B] of a binary problem, probabilities [B, classes] of a multiclass one, and standardised values [B]
    of a regression.
    """
    task, label, outputs = bound.problem.task, bound.problem.label, bound.problem.outputs
    spec = {name: tf.TensorSpec([None], feature.dtype, name) for name, feature in feature_spec(bound).items()}
    label_spec = spec.pop(label)
    # Where the input pipeline runs, whatever the strategy trains on.
    with tf.device("CPU:0"):
        network = build_network(bound, statistics)
        network.set_weights(weights)

    @tf.function(input_signature=[spec, label_spec], autograph=False)
    def targets(rows: dict[str, tf.Tensor], labels: tf.Tensor) -> tf.Tensor:
        scores = member_mean(network(rows, training=False), task)
        if task is Task.MULTICLASS:
            return share * scores + (1.0 - share) * tf.one_hot(labels, outputs)
        return share * scores[:, 0] + (1.0 - share) * tf.cast(labels, tf.float32)

    return targets  # type: ignore[no-any-return]
