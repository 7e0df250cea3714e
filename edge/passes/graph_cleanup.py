"""What the converter leaves in a float32 graph that computes nothing, or twice."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge.flatbuffer import constants, model_io
from edge.runtime.litert_model import Array


def tidy(content: bytes) -> bytes:
    """The same function in fewer operators and constants, for every recipe to start from.

    Slices that take everything go: the converter writes one for each axis that is added. Of two constant factors with
    nothing but a reshape between them, such as the members' scales and weights of a head, their product remains, which
    moves the last bit of an answer.
    """
    model = model_io.read(content)
    _drop_whole_slices(model)
    _join_factors(model)
    constants.drop_unused_buffers(model)
    return model_io.write(model)


def _drop_whole_slices(model: Any) -> None:
    subgraph = model.subgraphs[0]
    ends = {int(index) for index in subgraph.outputs}
    whole: dict[int, int] = {}
    kept: list[Any] = []
    for entry in subgraph.operators:
        operator = model_io.operator(model, entry)
        _rewire(entry, whole)
        if operator.name == "STRIDED_SLICE" and operator.outputs[0] not in ends and _takes_all(model, entry):
            whole[operator.outputs[0]] = int(entry.inputs[0])
        else:
            kept.append(entry)
    subgraph.operators = kept


def _rewire(entry: Any, replaced: dict[int, int]) -> None:
    if entry.inputs is not None:
        entry.inputs = [replaced.get(int(index), int(index)) for index in entry.inputs]


def _takes_all(model: Any, entry: Any) -> bool:
    source, *bounds = (int(index) for index in entry.inputs)
    options, tensor = entry.builtinOptions, model.subgraphs[0].tensors[source]
    if not all(model_io.constant(model, index) for index in bounds) or options is None or tensor.shape is None:
        return False
    sizes = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
    begin, end, strides = (_integers(model, index) for index in bounds)
    return (
        not (options.ellipsisMask or options.newAxisMask or options.shrinkAxisMask or options.offset)
        and len(sizes) == len(begin) == len(end)
        and bool(np.all(strides == 1))
        and all(options.beginMask >> axis & 1 or begin[axis] == 0 for axis in range(len(begin)))
        and all(options.endMask >> axis & 1 or end[axis] == sizes[axis] for axis in range(len(end)))
    )


def _integers(model: Any, index: int) -> Array:
    return np.asarray(model.buffers[model.subgraphs[0].tensors[index].buffer].data, np.uint8).view("<i4")


def _join_factors(model: Any) -> None:
    """MUL(RESHAPE(MUL(x, a)), b), where the reshape adds a last axis, becomes MUL(RESHAPE(x), a * b)."""
    subgraph = model.subgraphs[0]
    makers = {int(index): entry for entry in subgraph.operators for index in entry.outputs}
    dropped: list[Any] = []
    for entry in subgraph.operators:
        if model_io.operator(model, entry).name != "MUL":
            continue
        reshape = makers.get(int(entry.inputs[0]))
        if reshape is None or model_io.operator(model, reshape).name != "RESHAPE":
            continue
        first = makers.get(int(reshape.inputs[0]))
        if first is None or model_io.operator(model, first).name != "MUL" or not _alone(model, first, reshape):
            continue
        factors = [_factor(model, int(place.inputs[1])) for place in (first, entry)]
        if factors[0] is None or factors[1] is None or not _fits(model, reshape, factors[0], factors[1]):
            continue
        product = (factors[0][..., np.newaxis] * factors[1]).astype("<f4")
        constants.replace(model, int(entry.inputs[1]), product, schema.TensorType.FLOAT32)
        reshape.inputs = [int(first.inputs[0]), *map(int, reshape.inputs[1:])]
        dropped.append(first)
    subgraph.operators = [entry for entry in subgraph.operators if not any(entry is other for other in dropped)]


def _alone(model: Any, *entries: Any) -> bool:
    """Whether each entry does nothing but compute a tensor for one other."""
    used = [index for operator in model_io.operators(model) for index in operator.inputs]
    used += [int(index) for index in model.subgraphs[0].outputs]
    plain = [getattr(entry.builtinOptions, "fusedActivationFunction", 0) == 0 for entry in entries]
    return all(plain) and all(used.count(int(entry.outputs[0])) == 1 for entry in entries)


def _factor(model: Any, index: int) -> Array | None:
    tensor = model.subgraphs[0].tensors[index]
    if tensor.type != schema.TensorType.FLOAT32 or not model_io.constant(model, index):
        return None
    return constants.values(model, index).reshape([int(size) for size in tensor.shape])


def _fits(model: Any, reshape: Any, first: Array, second: Array) -> bool:
    """Whether the reshape only adds a last axis of one, and the product is no larger than the second factor."""
    ends = [model.subgraphs[0].tensors[int(index)].shape for index in (reshape.inputs[0], reshape.outputs[0])]
    if any(shape is None for shape in ends):
        return False
    before, after = ([int(size) for size in shape] for shape in ends)
    widened = (*first.shape, 1)
    return (
        after == [*before, 1]
        and before[len(before) - first.ndim :] == list(first.shape)
        and len(second.shape) == len(widened)
        and np.broadcast_shapes(widened, second.shape) == second.shape
    )
