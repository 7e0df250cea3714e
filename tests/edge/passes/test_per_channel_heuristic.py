"""When a scale a channel pays."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edge.passes.per_channel_heuristic import pay
from edge.runtime.litert_model import Array


def _layer(weights: Array) -> schema.ModelT:
    model, subgraph, operator, code = schema.ModelT(), schema.SubGraphT(), schema.OperatorT(), schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    subgraph.tensors = [schema.TensorT() for _ in range(3)]
    for tensor in subgraph.tensors:
        tensor.type, tensor.buffer = schema.TensorType.FLOAT32, 0
    subgraph.tensors[1].shape, subgraph.tensors[1].buffer = list(weights.shape), 1
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0, 1], [2]
    model.buffers = [schema.BufferT(), schema.BufferT()]
    model.buffers[1].data = np.frombuffer(weights.astype("<f4").tobytes(), np.uint8)
    subgraph.operators, subgraph.inputs, subgraph.outputs = [operator], [0], [2]
    model.subgraphs, model.operatorCodes = [subgraph], [code]
    return model


@pytest.mark.parametrize(
    ("largest", "worth"),
    [
        # The mean square of the channels' largest weights over the largest one's square: 1, 0.255, 0.25 and 0.01.
        ([1.0] * 100, False),
        ([1.0] * 25 + [0.08] * 75, False),
        ([1.0] * 25 + [0.0] * 75, True),
        ([1.0] + [0.0] * 99, True),
        ([0.0] * 100, False),
    ],
)
def test_it_pays_where_the_error_of_rounding_halves(largest: list[float], worth: bool) -> None:
    weights = np.tile(np.array(largest)[:, None], (1, 4)) * np.array([1, -0.5, 0.25, 0.0])
    assert pay(_layer(weights)) is worth


def test_small_layers_do_not_count() -> None:
    assert not pay(_layer(np.diag([1.0, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01])))
