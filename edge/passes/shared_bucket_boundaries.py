"""Bucket edges stored once, where the converter stores the left ones and the reciprocals of the widths."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge.flatbuffer import constants, model_io
from edge.runtime.litert_model import Array
from schema.ranks import SMALLEST_WIDTH

# Widths of buckets are held to this in ranks, so that equal edges make a step.
_SMALLEST_WIDTH = np.float32(SMALLEST_WIDTH)
# Below this the operators take more bytes than the reciprocals.
_SMALLEST = 256
# How far a stored reciprocal may be from the exact one: the converter's own are off by one unit in the last place.
_TOLERANCE = 4 * np.finfo(np.float32).eps
# Candidates for the last edge, which no left edge follows, in steps of its last bit.
_STEPS = 16


def store_edges_once(content: bytes) -> bytes:
    """The same model, in which (x - left) * (1 / width) is (x - left) / width, and widths come of the left edges.

    So the SavedModel has it. The converter makes a product of the quotient, whose factors are reciprocals by estimate,
    and stores a second constant as large as the first. Where the buckets do not touch, nothing is changed.
    """
    model = model_io.read(content)
    subgraph = model.subgraphs[0]
    makers = {int(index): entry for entry in subgraph.operators for index in entry.outputs}
    for product in list(subgraph.operators):
        difference = makers.get(int(product.inputs[0])) if model_io.operator(model, product).name == "MUL" else None
        if difference is None or model_io.operator(model, difference).name != "SUB":
            continue
        left, reciprocal = (_matrix(model, int(entry.inputs[1])) for entry in (difference, product))
        edges = None if left is None or reciprocal is None else _edges(left, reciprocal)
        if edges is not None:
            _divide(model, difference, product, edges)
    constants.drop_unused_buffers(model)
    return model_io.write(model)


def _matrix(model: Any, index: int) -> Array | None:
    """A float32 constant [features, buckets], if it is one, large enough, and no other operator takes it."""
    if index < 0 or not model_io.constant(model, index) or model_io.tensor_size(model, index) < _SMALLEST:
        return None
    tensor = model.subgraphs[0].tensors[index]
    uses = sum(operator.inputs.count(index) for operator in model_io.operators(model))
    if tensor.type != schema.TensorType.FLOAT32 or len(tensor.shape) != 2 or uses > 1:
        return None
    return constants.values(model, index).reshape([int(size) for size in tensor.shape])


def _edges(left: Array, reciprocal: Array) -> Array | None:
    """Float32 [features, buckets + 1] from which both follow, or None if there are none."""
    if left.shape != reciprocal.shape:
        return None
    steps = np.arange(-_STEPS, _STEPS + 1, dtype=np.int32)
    guess = (left[:, -1] + 1.0 / reciprocal[:, -1].astype(np.float64)).astype(np.float32)
    candidates = (guess.view(np.int32)[:, np.newaxis] + steps).view(np.float32)
    # Bits below those of 0 are no number.
    candidates = np.where(np.isfinite(candidates), candidates, guess[:, np.newaxis])
    best = np.abs(_widths(candidates - left[:, -1:]) * reciprocal[:, -1:] - 1.0).argmin(axis=1)
    edges = np.concatenate([left, candidates[np.arange(len(left)), best][:, np.newaxis]], axis=1)
    away = np.abs(_widths(np.diff(edges, axis=1)) * reciprocal - 1.0)
    return edges if bool(np.all(away <= _TOLERANCE)) else None


def _widths(differences: Array) -> Array:
    return np.maximum(differences, _SMALLEST_WIDTH).astype(np.float64)


def _divide(model: Any, difference: Any, product: Any, edges: Array) -> None:
    """Computes left edges and widths first in the graph, and lets the two operators take them."""
    buckets = [edges.shape[0], edges.shape[1] - 1]
    stored, size = _constant(model, edges), _constant(model, np.array(buckets, np.int32))
    sides = [_constant(model, np.array([0, place], np.int32)) for place in (0, 1)]
    left, right, between, width = (_tensor(model, buckets) for _ in range(4))
    model.subgraphs[0].operators[:0] = [
        _operator(model, "SLICE", [stored, sides[0], size], left),
        _operator(model, "SLICE", [stored, sides[1], size], right),
        _operator(model, "SUB", [right, left], between),
        _operator(model, "MAXIMUM", [between, _constant(model, np.array(_SMALLEST_WIDTH))], width),
    ]
    difference.inputs = [int(difference.inputs[0]), left]
    product.inputs = [int(product.inputs[0]), width]
    product.opcodeIndex = constants.operator_code(model, schema.BuiltinOperator.DIV)
    options = schema.DivOptionsT()
    options.fusedActivationFunction = product.builtinOptions.fusedActivationFunction if product.builtinOptions else 0
    product.builtinOptions, product.builtinOptionsType = options, schema.BuiltinOptions.DivOptions


def _operator(model: Any, name: str, sources: list[int], target: int) -> Any:
    entry = constants.operator(constants.operator_code(model, getattr(schema.BuiltinOperator, name)), sources, target)
    options, entry.builtinOptionsType = _OPTIONS[name]
    entry.builtinOptions = options()
    return entry


_OPTIONS: dict[str, tuple[type, int]] = {
    "SLICE": (schema.SliceOptionsT, schema.BuiltinOptions.SliceOptions),
    "SUB": (schema.SubOptionsT, schema.BuiltinOptions.SubOptions),
    "MAXIMUM": (schema.MaximumMinimumOptionsT, schema.BuiltinOptions.MaximumMinimumOptions),
}


def _constant(model: Any, values: Array) -> int:
    kind = schema.TensorType.FLOAT32 if values.dtype == np.float32 else schema.TensorType.INT32
    index = _tensor(model, list(values.shape), kind)
    constants.replace(model, index, values, kind)
    return index


def _tensor(model: Any, shape: list[int], kind: int = schema.TensorType.FLOAT32) -> int:
    tensor = schema.TensorT()
    tensor.type, tensor.shape, tensor.buffer, tensor.hasRank = kind, shape, 0, True
    model.subgraphs[0].tensors.append(tensor)
    return len(model.subgraphs[0].tensors) - 1
