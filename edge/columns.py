"""Which raw features stand in which columns of a tensor, traced through the operators of a .tflite file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edge import graph

# Operators that leave every column where it is.
_IN_PLACE = frozenset(
    {
        *("QUANTIZE", "DEQUANTIZE", "RESHAPE", "EXPAND_DIMS", "SQUEEZE", "CAST", "BROADCAST_TO", "TILE", "SELECT"),
        *("SELECT_V2", "MUL", "ADD", "SUB", "DIV", "MAXIMUM", "MINIMUM", "ABS", "NEG", "SQRT", "RELU", "RELU6"),
        *("LOGISTIC", "TANH", "GELU", "HARD_SWISH", "LEAKY_RELU"),
    }
)
# Those beyond which a column is no raw number any more.
_LEARNED = frozenset({"FULLY_CONNECTED", "BATCH_MATMUL", "CONV_2D", "GATHER", "EMBEDDING_LOOKUP"})


@dataclass(frozen=True)
class Block:
    """`width` columns that come of the same features; `raw` if nothing learned lies between."""

    width: int
    features: frozenset[str]
    raw: bool = True


def feature_names(model: Any) -> dict[int, str]:
    """The names of the input tensors: the signature's, or the tensors' own in a file without one."""
    inputs = {int(index): graph.tensor_name(model, int(index)) for index in model.subgraphs[0].inputs}
    for signature in model.signatureDefs or ():
        for entry in signature.inputs:
            inputs[int(entry.tensorIndex)] = entry.name.decode() if isinstance(entry.name, bytes) else str(entry.name)
    return inputs


def blocks(model: Any) -> dict[int, tuple[Block, ...]]:
    """The blocks of columns, along the last axis and in order, of every tensor of the first subgraph that has any."""
    found = {
        index: (Block(1, frozenset({name})),) if _width(model, index) == 1 else _one(model, index, {name}, raw=True)
        for index, name in feature_names(model).items()
    }
    for operator in graph.operators(model):
        for output in operator.outputs:
            traced = _traced(model, operator, output, found)
            if traced:
                found[output] = traced
    return found


def _traced(
    model: Any, operator: graph.Operator, output: int, found: Mapping[int, tuple[Block, ...]]
) -> tuple[Block, ...]:
    given = [found[index] for index in operator.inputs if index in found]
    if not given:
        return ()
    width = _width(model, output)
    if operator.name in ("CONCATENATION", "PACK"):
        side_by_side = tuple(block for blocks in given for block in blocks)
        # Else they lie above each other, along another axis.
        if len(given) == len(operator.inputs) and _total(side_by_side) == width:
            return side_by_side
    if operator.name in _IN_PLACE:
        kept = [blocks for blocks in given if _total(blocks) == width]
        if len(kept) == 1:
            return kept[0]
    features = {name for blocks in given for block in blocks for name in block.features}
    raw = operator.name not in _LEARNED and all(block.raw for blocks in given for block in blocks)
    return _one(model, output, features, raw=raw)


def _one(model: Any, index: int, features: set[str], *, raw: bool) -> tuple[Block, ...]:
    return (Block(_width(model, index), frozenset(features), raw),)


def _total(blocks: tuple[Block, ...]) -> int:
    return sum(block.width for block in blocks)


def _width(model: Any, index: int) -> int:
    """Of the last axis; a tensor [N] has one column."""
    shape = model.subgraphs[0].tensors[index].shape
    return int(shape[-1]) if shape is not None and len(shape) > 1 else 1
