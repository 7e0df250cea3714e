"""The large float constants of a .tflite file, and their replacement by smaller ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge.flatbuffer import float_regions, model_io
from edge.runtime.litert_model import Array

# Below this the operator that widens a constant again takes a good part of what shrinking it saves.
SMALLEST = 256

# A widening takes about 100 bytes of a file.
_SMALLEST_OF_HEAD = 128

# The versions of DEQUANTIZE that widen each type.
DEQUANTIZE_INT8, DEQUANTIZE_FLOAT16 = 2, 3

_LEVELS = 127


def large(model: Any, smallest: int = SMALLEST) -> list[int]:
    """Indices of the weights worth shrinking: the first subgraph's float32 constants of `smallest` elements and more.

    What the raw features meet before the first weights is not among them, see islands.raw_constants.
    """
    tensors, kept = model.subgraphs[0].tensors, float_regions.raw_constants(model)
    floats = [index for index in range(len(tensors)) if tensors[index].type == schema.TensorType.FLOAT32]
    found = [i for i in floats if model_io.constant(model, i) and model_io.tensor_size(model, i) >= smallest]
    return [index for index in found if index not in kept]


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
    """Empties what nothing uses any more: tensors that no operator takes or gives, buffers that no tensor names.

    The tensors stay, since removing one would renumber every other.
    """
    for subgraph in model.subgraphs:
        used = {int(index) for index in (*subgraph.inputs, *subgraph.outputs)}
        for entry in subgraph.operators:
            used |= {int(index) for ends in (entry.inputs, entry.outputs) if ends is not None for index in ends}
        for index, tensor in enumerate(subgraph.tensors):
            if index not in used:
                tensor.buffer, tensor.shape, tensor.shapeSignature, tensor.quantization = 0, [0], None, None
    named = {tensor.buffer for subgraph in model.subgraphs for tensor in subgraph.tensors}
    named |= {entry.buffer for entry in model.metadata or ()}
    for index, buffer in enumerate(model.buffers):
        if index not in named:
            buffer.data = None


def add_like(model: Any, index: int, suffix: str, tensor_type: int) -> int:
    """Adds a tensor without data, of the shape of another; gives its index."""
    model_of = model.subgraphs[0].tensors[index]
    tensor = schema.TensorT()
    tensor.name = (model_io.tensor_name(model, index) + suffix).encode("utf-8")
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


def quantize(model: Any, index: int) -> None:
    """Makes a float32 constant int8 with one symmetric scale of 127 levels a side."""
    weights = values(model, index)
    scale = float(np.abs(weights).max()) / _LEVELS or 1.0
    levels = np.clip(np.round(weights / scale), -_LEVELS, _LEVELS).astype(np.int8)
    replace(model, index, levels, schema.TensorType.INT8)
    model.subgraphs[0].tensors[index].quantization = parameters(scale)


def parameters(scale: float) -> Any:
    """A quantization record of one symmetric scale."""
    record = schema.QuantizationParametersT()
    record.scale, record.zeroPoint, record.quantizedDimension = [scale], [0], 0
    return record


def shrink_rest(content: bytes) -> bytes:
    """An int8 model whose large constants that the quantizer left in float, those of the head, are int8 too.

    They are widened when the model is loaded, so that the head computes in float as before.
    """
    model = model_io.read(content)
    found = large(model, _SMALLEST_OF_HEAD)
    for index in found:
        quantize(model, index)
    widen_at_load(model, found, DEQUANTIZE_INT8)
    drop_unused_buffers(model)
    return model_io.write(model)


def widen_at_load(model: Any, indices: Sequence[int], version: int) -> None:
    """Lets every operator take a float32 expansion of these shrunk constants.

    The expansions come first in the graph. Runtimes compute them once, when they load the model, since their inputs
    are constants.

    Args:
        model: see graph.read.
        indices: constants of the first subgraph, already of their smaller type.
        version: of DEQUANTIZE, as the type asks: DEQUANTIZE_INT8 or DEQUANTIZE_FLOAT16.
    """
    if not indices:
        return
    wide = {index: add_like(model, index, "_float32", schema.TensorType.FLOAT32) for index in indices}
    code = operator_code(model, schema.BuiltinOperator.DEQUANTIZE, version)
    operators = model.subgraphs[0].operators
    for entry in operators:
        if entry.inputs is not None:
            entry.inputs = [wide.get(int(index), int(index)) for index in entry.inputs]
    operators[:0] = [operator(code, [small], target) for small, target in wide.items()]
