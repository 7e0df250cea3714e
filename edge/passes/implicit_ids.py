"""String tables whose ids are counted when the model is loaded, instead of being stored."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge.flatbuffer import constants, model_io
from edge.runtime.litert_model import Array

# Below this the operators take more bytes than the ids.
_SMALLEST = 64


def count_ids(content: bytes) -> bytes:
    """The same model, 8 bytes a term smaller where a table's ids are consecutive integers in the order of its terms.

    LiteRT's tables from strings store int64 ids beside the strings in every variant; no quantization reaches them.
    """
    model = model_io.read(content)
    for subgraph in model.subgraphs[1:]:
        for ids, imports in _imports(model, subgraph).items():
            _count(model, subgraph, ids, imports)
    constants.drop_unused_buffers(model)
    return model_io.write(model)


def _imports(model: Any, subgraph: Any) -> dict[int, list[Any]]:
    """The operators that fill tables, by the tensor of ids that they take; equal ids share one tensor."""
    found: dict[int, list[Any]] = {}
    for entry in subgraph.operators:
        if model_io.operator(model, entry).name == "HASHTABLE_IMPORT":
            found.setdefault(int(entry.inputs[2]), []).append(entry)
    return found


def _count(model: Any, subgraph: Any, ids: int, imports: list[Any]) -> None:
    values = _stored(model, subgraph.tensors[ids])
    if len(values) < _SMALLEST or np.any(np.diff(values) != 1) or values[-1] >= np.iinfo(np.int32).max:
        return
    ends = [_scalar(model, subgraph, number) for number in (values[0], values[-1] + 1, 1)]
    counted = _tensor(subgraph, "counted", schema.TensorType.INT32, [len(values)], 0)
    widened = _tensor(subgraph, "counted_int64", schema.TensorType.INT64, [len(values)], 0)
    place = subgraph.operators.index(imports[0])
    # Counted in int32 and widened: counting in int64 came to LiteRT later than either operator.
    subgraph.operators[place:place] = [
        constants.operator(constants.operator_code(model, schema.BuiltinOperator.RANGE), ends, counted),
        constants.operator(constants.operator_code(model, schema.BuiltinOperator.CAST), [counted], widened),
    ]
    for entry in imports:
        entry.inputs = [int(entry.inputs[0]), int(entry.inputs[1]), widened]


def _stored(model: Any, tensor: Any) -> Array:
    data = model.buffers[tensor.buffer].data
    known = data is not None and tensor.type == schema.TensorType.INT64
    return np.asarray(data, np.uint8).view("<i8") if known else np.zeros(0, np.int64)


def _scalar(model: Any, subgraph: Any, number: int) -> int:
    buffer = _buffer(model, np.array([number], "<i4"))
    return _tensor(subgraph, f"count_{len(subgraph.tensors)}", schema.TensorType.INT32, [], buffer)


def _tensor(subgraph: Any, name: str, tensor_type: int, shape: list[int], buffer: int) -> int:
    tensor = schema.TensorT()
    tensor.name, tensor.type, tensor.shape, tensor.buffer = name.encode("utf-8"), tensor_type, shape, buffer
    tensor.hasRank = True
    subgraph.tensors.append(tensor)
    return len(subgraph.tensors) - 1


def _buffer(model: Any, values: Array) -> int:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1
