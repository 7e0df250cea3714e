"""Adding to and cutting from the main graph of a .tflite file."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge.flatbuffer import constants, model_io
from edge.runtime.litert_model import Array

# Operators of this kind name another graph of the file; none is left when the tables of strings are gone.
_CALLING = frozenset({"CALL_ONCE", "IF", "WHILE", "STABLEHLO_COMPOSITE"})

_TYPES = {
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.int64): schema.TensorType.INT64,
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.bool_): schema.TensorType.BOOL,
}


def add_tensor(model: Any, tensor_type: int, shape: list[int], name: str | None = None) -> int:
    """Adds a tensor without data and gives its index; -1 stands for the number of rows."""
    tensor = schema.TensorT()
    tensor.type, tensor.hasRank, tensor.buffer = tensor_type, True, 0
    tensor.shape = [abs(length) for length in shape]
    tensor.shapeSignature = shape if -1 in shape else None
    tensor.name = name.encode("utf-8") if name else None
    model.subgraphs[0].tensors.append(tensor)
    return len(model.subgraphs[0].tensors) - 1


def add_constant(model: Any, values: Array) -> int:
    """Adds a tensor that holds these numbers and gives its index."""
    tensor = add_tensor(model, _TYPES[values.dtype], list(values.shape))
    set_constant(model, tensor, values)
    return tensor


def set_constant(model: Any, tensor: int, values: Array) -> None:
    """Lets the tensor hold these numbers, of its own type."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
    model.buffers.append(buffer)
    model.subgraphs[0].tensors[tensor].buffer = len(model.buffers) - 1


def operator(model: Any, name: str, sources: list[int], target: int, options: Any = None) -> Any:
    """A builtin operator of one output, not yet in the graph; `options` is a <Name>OptionsT of the LiteRT schema."""
    entry = constants.operator(constants.operator_code(model, getattr(schema.BuiltinOperator, name)), sources, target)
    if options is not None:
        entry.builtinOptions = options
        entry.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
    return entry


def cast(model: Any, source: int, target: int) -> Any:
    """The operator that turns one tensor into the other's type."""
    tensors, options = model.subgraphs[0].tensors, schema.CastOptionsT()
    options.inDataType, options.outDataType = tensors[source].type, tensors[target].type
    return operator(model, "CAST", [source], target, options)


class Chain:
    """Operators that follow one another, not yet in the graph; their tensors are."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.operators: list[Any] = []

    def add(self, name: str, sources: list[int], tensor_type: int, shape: list[int], options: Any) -> int:
        """Adds an operator and gives its output, a new tensor; see operator and add_tensor."""
        target = add_tensor(self.model, tensor_type, shape)
        self.end(name, sources, target, options)
        return target

    def end(self, name: str, sources: list[int], target: int, options: Any) -> None:
        """Adds an operator whose output is a tensor that there is."""
        self.operators.append(operator(self.model, name, sources, target, options))

    def cast(self, source: int, tensor_type: int) -> int:
        """Adds a tensor of the same shape and another type."""
        known = self.model.subgraphs[0].tensors[source]
        target = add_tensor(
            self.model, tensor_type, list(known.shape if known.shapeSignature is None else known.shapeSignature)
        )
        self.operators.append(cast(self.model, source, target))
        return target


def replace_input(model: Any, old: int, new: int) -> None:
    """Lets another tensor be the graph's input, in the same place and under the same name of the signature."""
    main = model.subgraphs[0]
    main.inputs = [new if int(index) == old else int(index) for index in main.inputs]
    for entry in model.signatureDefs[0].inputs:
        if entry.tensorIndex == old:
            entry.tensorIndex = new


def drop_dead(model: Any) -> None:
    """Removes from the main graph what no output depends on: operators, tensors, and other graphs that none calls.

    Inputs stay. Operators without an output fill tables and variables; they stay as long as one of those is used.
    """
    main = model.subgraphs[0]
    main.operators = _live_operators(model)
    used = {int(index) for index in (*main.inputs, *main.outputs)}
    for entry in main.operators:
        used |= {index for index in (*model_io.operator(model, entry).inputs, *map(int, entry.outputs)) if index >= 0}
        used |= {int(index) for index in (() if entry.intermediates is None else entry.intermediates)}
    _renumber(model, {old: new for new, old in enumerate(sorted(used))})
    if not any(model_io.operator(model, entry).name in _CALLING for entry in main.operators):
        del model.subgraphs[1:]
    _drop_codes(model)


def _live_operators(model: Any) -> list[Any]:
    main = model.subgraphs[0]
    needed = {int(index) for index in main.outputs}
    kept: list[Any] = []
    for entry in reversed(main.operators):
        if needed.intersection(map(int, entry.outputs)):
            needed |= set(model_io.operator(model, entry).inputs)
            kept.append(entry)
    if any(index >= 0 and main.tensors[index].type == schema.TensorType.RESOURCE for index in needed):
        return [entry for entry in main.operators if entry in kept or len(entry.outputs) == 0]
    return kept[::-1]


def _renumber(model: Any, places: Mapping[int, int]) -> None:
    main, absent = model.subgraphs[0], {-1: -1}
    known = absent | dict(places)
    main.tensors = [main.tensors[old] for old in places]
    main.inputs, main.outputs = ([known[int(old)] for old in ends] for ends in (main.inputs, main.outputs))
    for entry in main.operators:
        for field in ("inputs", "outputs", "intermediates"):
            if getattr(entry, field) is not None:
                setattr(entry, field, [known[int(old)] for old in getattr(entry, field)])
    for end in (*model.signatureDefs[0].inputs, *model.signatureDefs[0].outputs):
        end.tensorIndex = known[end.tensorIndex]


def _drop_codes(model: Any) -> None:
    entries = [entry for subgraph in model.subgraphs for entry in subgraph.operators]
    used = sorted({entry.opcodeIndex for entry in entries})
    model.operatorCodes = [model.operatorCodes[index] for index in used]
    for entry in entries:
        entry.opcodeIndex = used.index(entry.opcodeIndex)
