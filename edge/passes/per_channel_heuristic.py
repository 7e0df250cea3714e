"""Whether the outputs of dense layers deserve a scale each."""

from typing import Any

import numpy as np

from edge.flatbuffer import constants, model_io
from edge.runtime.litert_model import Array

# A scale a channel takes 16 bytes a channel (scales and zero points of weights and bias): 4 % of a layer of 350 inputs.
# It pays where it at least halves the error of rounding, that is quarters its square.
_WORTH = 0.25


def pay(model: Any) -> bool:
    """Whether some dense layer's rounding error falls by half or more with a scale an output instead of one in all."""
    layers = [operator for operator in model_io.operators(model) if operator.name == "FULLY_CONNECTED"]
    return any(_error_left(weights) <= _WORTH for weights in (_weights(model, layer) for layer in layers))


def _weights(model: Any, layer: model_io.Operator) -> Array:
    index = layer.inputs[1]
    if not model_io.constant(model, index):
        return np.zeros((0, 0), np.float32)
    return constants.values(model, index).reshape([int(size) for size in model.subgraphs[0].tensors[index].shape])


def _error_left(weights: Array) -> float:
    """Mean square of the channels' largest weights [outputs, inputs] over the square of the largest of all.

    Rounding to a grid of step s has a mean square error of s * s / 12, and steps follow the largest weight.
    """
    if weights.size < constants.SMALLEST or not weights.any():
        return 1.0
    largest = np.abs(weights).max(axis=1)
    return float(np.mean(largest**2) / largest.max() ** 2)
