"""What a training-time technique does to a network's large weights and activations, as the forward pass sees them.

The variables stay those of the plain network, by name, shape and order, so that weights move between the two.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras
from numpy.typing import NDArray

from models.compression import clustering, fake_quantization, pruning
from models.compression.pruning import Ramp
from schema.problem import FineTuning, Pattern
from schema.techniques import Technique


class Role(StrEnum):
    """What a weight is to its layer.

    dense   the kernel of a dense layer, [inputs, outputs].
    table   the vectors of a category's ids, [ids, width].
    factor  what values are multiplied by, one by one.
    """

    DENSE = "dense"
    TABLE = "table"
    FACTOR = "factor"


class Treatment:
    """Nothing at all: the plain network. Others are made of this one."""

    # Whether values have to be computed in the device's order, since each of them is rounded.
    rounds_values = False
    # The step from which on the weights are what the technique promises.
    end = 0

    def attach(self, variable: tf.Variable, role: Role) -> None:
        """Takes note of a weight while its layer is built, in the scope of the strategy."""

    def weight(self, name: str, value: tf.Tensor, role: Role) -> tf.Tensor:
        """What the forward pass takes for the weight of this name."""
        del name, role
        return value

    def value(self, values: tf.Tensor) -> tf.Tensor:
        """What the forward pass goes on with for values that an int8 model rounds."""
        return values

    def update(self, step: int) -> None:
        """Looks at the weights before this step, between the replicas' work: a function of both, alike everywhere."""

    def kept(self, name: str, value: tf.Tensor, role: Role) -> tf.Tensor:
        """The weight that goes into the exported model: the one that the forward pass took."""
        return self.weight(name, value, role)

    def kept_weights(self, network: tf_keras.Model) -> list[NDArray[Any]]:
        """The weights of a network of this treatment as they are exported, in order."""
        weights: list[NDArray[Any]] = network.get_weights()
        return weights


PLAIN = Treatment()


class Pruned(Treatment):
    """The smallest weights of dense layers and tables are 0.

    Masks are variables of no layer: the network's own weights go on below them, and so may the moving average.
    """

    def __init__(self, settings: FineTuning, end: int) -> None:
        self.end = end
        self._settings, self._ramp = settings, Ramp(end)
        self._masks: dict[str, tuple[tf.Variable, tf.Variable, Role]] = {}

    def attach(self, variable: tf.Variable, role: Role) -> None:
        """Makes the mask of a kernel or a table."""
        if role is not Role.FACTOR:
            mask = tf.Variable(tf.ones(variable.shape), trainable=False, name=_beside(variable, "mask"))
            self._masks[variable.name] = (variable, mask, role)

    def weight(self, name: str, value: tf.Tensor, role: Role) -> tf.Tensor:
        """The weight below its mask; a masked weight gets no gradient."""
        del role
        return value * self._masks[name][1] if name in self._masks else value

    def update(self, step: int) -> None:
        """Draws the masks anew from the weights as they are."""
        share = self._ramp.share(step)
        for variable, mask, role in self._masks.values():
            values = variable.numpy()
            mask.assign(pruning.begun(values, self._final(values, role), share))

    def _final(self, values: NDArray[np.float32], role: Role) -> NDArray[np.float32]:
        if role is Role.DENSE and self._settings.pattern is Pattern.TWO_OF_FOUR:
            return pruning.two_of_four(values)
        return pruning.smallest(values, self._settings.sparsity)


class Clustered(Treatment):
    """The weights of dense layers and tables take a few values, those of each weight its own."""

    def __init__(self, clusters: int) -> None:
        self._clusters = clusters
        self._centroids: dict[str, tuple[tf.Variable, tf.Variable]] = {}

    def attach(self, variable: tf.Variable, role: Role) -> None:
        """Makes the centroids of a kernel or a table that has more weights than there are clusters."""
        if role is not Role.FACTOR and variable.shape.num_elements() > self._clusters:
            start = tf.zeros([self._clusters])
            found = tf.Variable(start, trainable=False, name=_beside(variable, "centroids"))
            self._centroids[variable.name] = (variable, found)

    def weight(self, name: str, value: tf.Tensor, role: Role) -> tf.Tensor:
        """The nearest centroid of each number."""
        del role
        if name not in self._centroids:
            return value
        return clustering.clustered(value, tf.convert_to_tensor(self._centroids[name][1]))

    def update(self, step: int) -> None:
        """Finds the centroids of the weights as they are."""
        del step
        for variable, found in self._centroids.values():
            found.assign(clustering.centroids(variable.numpy(), self._clusters))


class QuantizationAware(Treatment):
    """Weights and values are rounded as in an int8 model; the exported weights are not, since a recipe rounds them."""

    rounds_values = True

    def __init__(self, *, by_channel: bool) -> None:
        """Takes the scales that the recipe will give a dense layer: one an output, or one alone."""
        self._rounded = fake_quantization.quantized_by_channel if by_channel else fake_quantization.quantized_by_tensor

    def weight(self, name: str, value: tf.Tensor, role: Role) -> tf.Tensor:
        """A kernel on the levels of its scales, a factor on those of values.

        A table stays as it is: what is looked up is rounded where it is joined, to the one scale of all that it is
        joined with, and so are all tables of an int8 model.
        """
        del name
        if role is Role.DENSE:
            return self._rounded(value)
        return fake_quantization.quantized_value(value) if role is Role.FACTOR else value

    def value(self, values: tf.Tensor) -> tf.Tensor:
        """The values on the levels of int8."""
        return fake_quantization.quantized_value(values)

    def kept(self, name: str, value: tf.Tensor, role: Role) -> tf.Tensor:
        """The weight as it is."""
        del name, role
        return value


class Treatments(Treatment):
    """One treatment after the other."""

    def __init__(self, parts: Sequence[Treatment]) -> None:
        self._parts = tuple(parts)
        self._roles: dict[str, Role] = {}
        self.rounds_values = any(part.rounds_values for part in parts)
        self.end = max(part.end for part in parts)

    def attach(self, variable: tf.Variable, role: Role) -> None:
        """Each part takes note."""
        self._roles[variable.name] = role
        for part in self._parts:
            part.attach(variable, role)

    def weight(self, name: str, value: tf.Tensor, role: Role) -> tf.Tensor:
        """What the last part makes of what the others have."""
        for part in self._parts:
            value = part.weight(name, value, role)
        return value

    def value(self, values: tf.Tensor) -> tf.Tensor:
        """What the last part makes of what the others have."""
        for part in self._parts:
            values = part.value(values)
        return values

    def update(self, step: int) -> None:
        """Each part looks at the weights."""
        for part in self._parts:
            part.update(step)

    def kept(self, name: str, value: tf.Tensor, role: Role) -> tf.Tensor:
        """What the last part keeps of what the others keep."""
        for part in self._parts:
            value = part.kept(name, value, role)
        return value

    def kept_weights(self, network: tf_keras.Model) -> list[NDArray[Any]]:
        """What is kept of each weight."""
        named = zip(network.weights, super().kept_weights(network), strict=True)
        return [self._kept(variable.name, value) for variable, value in named]

    def _kept(self, name: str, value: NDArray[Any]) -> NDArray[Any]:
        if name not in self._roles:
            return value
        kept: NDArray[Any] = self.kept(name, tf.constant(value), self._roles[name]).numpy()
        return kept


def treatment_of(technique: Technique, settings: FineTuning, steps: int) -> Treatment:
    """What a technique does in a training of so many steps; the first half of them prune."""
    match technique:
        case Technique.PRUNED:
            return Treatments([Pruned(settings, steps // 2)])
        case Technique.CLUSTERED:
            return Treatments([Clustered(settings.clusters)])
        case Technique.QUANTIZATION_AWARE:
            return Treatments([QuantizationAware(by_channel=True)])
        case Technique.PRUNED_QUANTIZATION_AWARE:
            # One scale a layer: scales an output would be a sixth of what is left of the file when it is packed.
            return Treatments([Pruned(settings, steps // 2), QuantizationAware(by_channel=False)])


def _beside(variable: tf.Variable, suffix: str) -> str:
    return f"{variable.name.partition(':')[0]}_{suffix}"
