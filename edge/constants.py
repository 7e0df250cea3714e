"""The large float constants of a .tflite file, and their replacement by smaller ones."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge import graph
from edge.runner import Array

# As in the converter's dynamic-range pass. Smaller constants are mostly the preprocessing's, such as the quantile
# boundaries of a pressure near 1013, where half precision has steps of 0.5 to 1.
SMALLEST = 1024


def large(model: Any) -> list[int]:
    """Indices of the float32 constants of SMALLEST elements and more in the first subgraph."""
    tensors = model.subgraphs[0].tensors
    floats = [index for index in range(len(tensors)) if tensors[index].type == schema.TensorType.FLOAT32]
    return [i for i in floats if graph.constant(model, i) and graph.tensor_size(model, i) >= SMALLEST]


def values(model: Any, index: int) -> Array:
    """The constant as float32, flat."""
    data = np.asarray(model.buffers[model.subgraphs[0].tensors[index].buffer].data, np.uint8)
    return data.view("<f4")


def replace(model: Any, index: int, smaller: Array, tensor_type: int) -> None:
    """Gives the tensor other data and another type; its old buffer stays until `drop_unused_buffers`."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(smaller.tobytes(), np.uint8)
    model.buffers.append(buffer)
    tensor = model.subgraphs[0].tensors[index]
    tensor.buffer, tensor.type = len(model.buffers) - 1, tensor_type


def drop_unused_buffers(model: Any) -> None:
    """Empties the buffers that nothing names any more; several tensors may have shared one."""
    used = {tensor.buffer for subgraph in model.subgraphs for tensor in subgraph.tensors}
    used |= {entry.buffer for entry in model.metadata or ()}
    for index, buffer in enumerate(model.buffers):
        if index not in used:
            buffer.data = None


def add_like(model: Any, index: int, suffix: str, tensor_type: int) -> int:
    """Adds a tensor without data, of the shape of another; gives its index."""
    model_of = model.subgraphs[0].tensors[index]
    tensor = schema.TensorT()
    tensor.name = (graph.tensor_name(model, index) + suffix).encode("utf-8")
    tensor.shape, tensor.shapeSignature = model_of.shape, model_of.shapeSignature
    tensor.hasRank, tensor.type, tensor.buffer = model_of.hasRank, tensor_type, 0
    model.subgraphs[0].tensors.append(tensor)
    return len(model.subgraphs[0].tensors) - 1


def operator_code(model: Any, builtin: int, version: int = 1) -> int:
    """Index of the code of a builtin operator in at least this version; added to the file if absent."""
    for index, code in enumerate(model.operatorCodes):
        if builtin == max(code.builtinCode, code.deprecatedBuiltinCode):
            code.version = max(code.version, version)
            return index
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = version
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def operator(code: int, sources: list[int], target: int) -> Any:
    """An operator of one output."""
    entry = schema.OperatorT()
    entry.opcodeIndex, entry.inputs, entry.outputs = code, sources, [target]
    return entry
