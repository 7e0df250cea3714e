"""Large constants in half precision, expanded once when the model is loaded."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge import graph
from schema.errors import PipelineError

# As in the converter's dynamic-range pass. Smaller constants are mostly the preprocessing's, such as the quantile
# boundaries of a pressure near 1013, where half precision has steps of 0.5 to 1.
_SMALLEST = 1024

_DEQUANTIZE_FLOAT16_VERSION = 3


def halve(content: bytes) -> bytes:
    """A float32 model whose float32 constants of 1024 elements and more are float16; it computes in float32.

    Raises:
        PipelineError: if a weight exceeds float16's range.
    """
    model = graph.read(content)
    tensors = model.subgraphs[0].tensors
    large = [index for index in range(len(tensors)) if _halves(model, index)]
    expanded = {index: _expand(model, index) for index in large}
    _drop_unused_buffers(model)
    for operator in model.subgraphs[0].operators:
        if operator.inputs is not None:
            operator.inputs = [expanded.get(int(index), int(index)) for index in operator.inputs]
    code = _dequantize_code(model) if large else 0
    model.subgraphs[0].operators[:0] = [_dequantize(code, small, wide) for small, wide in expanded.items()]
    return graph.write(model)


def _halves(model: Any, index: int) -> bool:
    is_float = model.subgraphs[0].tensors[index].type == schema.TensorType.FLOAT32
    return is_float and graph.constant(model, index) and graph.tensor_size(model, index) >= _SMALLEST


def _expand(model: Any, index: int) -> int:
    """Turns the constant into float16 and adds the float32 tensor that it is expanded to; gives that one's index."""
    tensors = model.subgraphs[0].tensors
    tensor = tensors[index]
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(_half_bytes(model, index), np.uint8)
    model.buffers.append(buffer)
    tensor.buffer, tensor.type = len(model.buffers) - 1, schema.TensorType.FLOAT16
    wide = schema.TensorT()
    wide.name, wide.type, wide.buffer = _name(tensor, "_float32"), schema.TensorType.FLOAT32, 0
    wide.shape, wide.hasRank = tensor.shape, tensor.hasRank
    tensors.append(wide)
    return len(tensors) - 1


def _drop_unused_buffers(model: Any) -> None:
    """Empties the buffers that no tensor names any more; several tensors may have shared one."""
    used = {tensor.buffer for subgraph in model.subgraphs for tensor in subgraph.tensors}
    used |= {entry.buffer for entry in model.metadata or ()}
    for index, buffer in enumerate(model.buffers):
        if index not in used:
            buffer.data = None


def _half_bytes(model: Any, index: int) -> bytes:
    data = np.asarray(model.buffers[model.subgraphs[0].tensors[index].buffer].data, np.uint8)
    with np.errstate(over="ignore"):
        halves = data.view("<f4").astype("<f2")
    if not np.isfinite(halves).all():
        raise PipelineError(
            f"float16: constant '{graph.tensor_name(model, index)}' exceeds half precision's 65504. Leave float16 out "
            "of device.variants"
        )
    return halves.tobytes()


def _name(tensor: Any, suffix: str) -> bytes:
    name: bytes = tensor.name if isinstance(tensor.name, bytes) else str(tensor.name).encode("utf-8")
    return name + suffix.encode("utf-8")


def _dequantize_code(model: Any) -> int:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = _DEQUANTIZE_FLOAT16_VERSION
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _dequantize(code: int, small: int, wide: int) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, [small], [wide]
    return operator
