"""Large constants in half precision, expanded once when the model is loaded."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge import constants, graph
from schema.errors import PipelineError

_DEQUANTIZE_FLOAT16 = 3


def halve(content: bytes) -> bytes:
    """A float32 model whose large constants are float16; it computes in float32.

    The converter's own float16 option would round the small constants as well, the quantile boundaries among them.

    Raises:
        PipelineError: if a weight exceeds float16's range.
    """
    model = graph.read(content)
    expanded = {index: _expand(model, index) for index in constants.large(model)}
    for operator in model.subgraphs[0].operators:
        if operator.inputs is not None:
            operator.inputs = [expanded.get(int(index), int(index)) for index in operator.inputs]
    code = constants.operator_code(model, schema.BuiltinOperator.DEQUANTIZE, _DEQUANTIZE_FLOAT16)
    expansions = [constants.operator(code, [small], wide) for small, wide in expanded.items()]
    model.subgraphs[0].operators[:0] = expansions
    constants.drop_unused_buffers(model)
    return graph.write(model)


def _expand(model: Any, index: int) -> int:
    """Turns the constant into float16 and adds the float32 tensor that it is expanded to; gives that one's index."""
    with np.errstate(over="ignore"):
        halves = constants.values(model, index).astype("<f2")
    if not np.isfinite(halves).all():
        raise PipelineError(
            f"float16: constant '{graph.tensor_name(model, index)}' exceeds half precision's 65504. Leave float16 out "
            "of device.variants"
        )
    constants.replace(model, index, halves, schema.TensorType.FLOAT16)
    return constants.add_like(model, index, "_float32", schema.TensorType.FLOAT32)
