"""How far the answers of one file may differ between runtimes."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge.flatbuffer import model_io
from edge.runtime.litert_model import Array

# Sums in another order, and another approximation of an exponential, move float32 by a few units of its last place.
FLOAT = 1e-6
# Where float rows are quantized as they come, one such unit may move a number to the next of its levels. Seen in 4 of
# 2,014 rows between x86 and WebAssembly, by 2e-5 at most.
HYBRID = 1e-4
EXACT = 0.0

_LAYERS = frozenset({"FULLY_CONNECTED", "BATCH_MATMUL", "CONV_2D"})
# What a score may pass through after integers and still be the same to the last bit: sums of few multiples of a power
# of two, and what only moves data.
_HARMLESS = frozenset({"DEQUANTIZE", "RESHAPE", "MEAN", "SUM", "SQUEEZE"})

_TYPES = schema.TensorType
_INTEGERS = frozenset({_TYPES.INT4, _TYPES.INT8, _TYPES.INT16, _TYPES.UINT8})


def tolerance(content: bytes, answers: Array, unit: float = 1.0) -> float:
    """The largest difference from its golden rows that another runtime's answers may have.

    Args:
        content: a .tflite file.
        answers: float32 [N, k], its golden rows'; those that are not finite do not count.
        unit: how far answers lie apart: 1 for probabilities, the label's standard deviation for a regression.

    Returns:
        EXACT if the scores come out of integer operators; else FLOAT, or HYBRID where layers quantize rows as they
        come, times the unit, or the largest answer if that is more, since float32's steps grow with the number.
    """
    model = model_io.read(content)
    if _integer_scores(model):
        return EXACT
    finite = np.abs(answers[np.isfinite(answers)])
    return (HYBRID if _hybrid(model) else FLOAT) * max(unit, float(finite.max(initial=0.0)))


def _integer_scores(model: Any) -> bool:
    """Whether what is not an integer is only moved, or averaged, on its way to the output."""
    made_by = {index: operator for operator in model_io.operators(model) for index in operator.outputs}
    tensor = int(model.subgraphs[0].outputs[0])
    while model.subgraphs[0].tensors[tensor].type not in _INTEGERS:
        operator = made_by.get(tensor)
        if operator is None or operator.name not in _HARMLESS:
            return False
        tensor = operator.inputs[0]
    return True


def _hybrid(model: Any) -> bool:
    """Whether a layer multiplies float rows with integer weights."""
    tensors = model.subgraphs[0].tensors
    layers = [operator for operator in model_io.operators(model) if operator.name in _LAYERS]
    return any(
        tensors[layer.inputs[0]].type == _TYPES.FLOAT32 and tensors[layer.inputs[1]].type in _INTEGERS
        for layer in layers
    )
