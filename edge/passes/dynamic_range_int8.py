"""Large weights and embeddings in int8, with activations quantized as they appear."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from edge.flatbuffer import constants, model_io

# The first version that multiplies float rows with int8 weights.
_HYBRID_FULLY_CONNECTED = 3


def quantize_weights(content: bytes) -> bytes:
    """A float32 model whose large dense weights, embedding tables and scales are int8, one symmetric scale each.

    Dense layers quantize their input row by row; embeddings are looked up in int8 and then widened; factors of a
    product are widened when the model is loaded. The converter's own dynamic-range option is not used: it fails where
    two quantized embeddings meet in a concatenation.
    """
    model = model_io.read(content)
    uses = _uses(model)
    widenings: dict[int, Any] = {}
    factors: list[int] = []
    code = constants.operator_code(model, schema.BuiltinOperator.DEQUANTIZE, constants.DEQUANTIZE_INT8)
    for index in constants.large(model):
        if uses[index].keys() == {"FULLY_CONNECTED:1"}:
            constants.quantize(model, index)
            _allow_hybrid(model, uses[index]["FULLY_CONNECTED:1"])
        elif uses[index].keys() == {"GATHER:0"}:
            constants.quantize(model, index)
            widenings |= {place: _narrow(model, place, index, code) for place in uses[index]["GATHER:0"]}
        elif uses[index].keys() <= {"MUL:0", "MUL:1"}:
            constants.quantize(model, index)
            factors.append(index)
    _insert_after(model, widenings)
    constants.widen_at_load(model, factors, constants.DEQUANTIZE_INT8)
    constants.drop_unused_buffers(model)
    return model_io.write(model)


def _uses(model: Any) -> defaultdict[int, dict[str, list[int]]]:
    """By tensor: the places of the operators that take it, under 'NAME:position'."""
    found: defaultdict[int, dict[str, list[int]]] = defaultdict(dict)
    for place, operator in enumerate(model_io.operators(model)):
        for position, index in enumerate(operator.inputs):
            found[index].setdefault(f"{operator.name}:{position}", []).append(place)
    return found


def _allow_hybrid(model: Any, consumers: list[int]) -> None:
    for place in consumers:
        code = model.operatorCodes[model.subgraphs[0].operators[place].opcodeIndex]
        code.version = max(code.version, _HYBRID_FULLY_CONNECTED)


def _narrow(model: Any, place: int, table: int, code: int) -> Any:
    """Lets a lookup give int8; returns the operator that widens it into the float tensor it gave before."""
    tensors = model.subgraphs[0].tensors
    lookup = model.subgraphs[0].operators[place]
    wide = int(lookup.outputs[0])
    narrow = constants.add_like(model, wide, "_int8", schema.TensorType.INT8)
    tensors[narrow].quantization = constants.parameters(tensors[table].quantization.scale[0])
    lookup.outputs = [narrow]
    return constants.operator(code, [narrow], wide)


def _insert_after(model: Any, added: Mapping[int, Any]) -> None:
    subgraph = model.subgraphs[0]
    pairs = [(entry, added.get(place)) for place, entry in enumerate(subgraph.operators)]
    subgraph.operators = [entry for pair in pairs for entry in pair if entry is not None]
