"""The parts of a float graph that stay float in an int8 model: before the first weights, and the head."""

from collections.abc import Iterable
from typing import Any

from edge import graph

# Operators that bring learned weights to a value; what comes out of them is bounded by training, so int8 holds it.
_WEIGHTED = frozenset({"FULLY_CONNECTED", "BATCH_MATMUL", "GATHER", "EMBEDDING_LOOKUP", "CONV_2D"})
_LAYERS = frozenset({"FULLY_CONNECTED", "BATCH_MATMUL"})

# A head of more weights than this is quantized: left in float it would cost more bytes than it saves error.
_LARGEST_FLOAT_HEAD = 4096


def float_nodes(model: Any) -> tuple[str, ...]:
    """Names of the output tensors of the operators to keep in float.

    They are the raw numbers' normalisation, since one int8 scale cannot hold a pressure of 1013 and its tenth, and
    the last layer with what follows it, since 256 levels of a probability are ties where the float model has none.
    """
    operators = graph.operators(model)
    indices = (*_raw(model, operators), *_head(model, operators))
    return tuple(dict.fromkeys(graph.tensor_name(model, index) for index in indices))


def _raw(model: Any, operators: Iterable[graph.Operator]) -> list[int]:
    raw = {int(index) for index in model.subgraphs[0].inputs}
    weighted: set[int] = set()
    found: list[int] = []
    for operator in operators:
        if operator.name in _WEIGHTED or weighted.intersection(operator.inputs):
            weighted.update(operator.outputs)
        elif raw.intersection(operator.inputs):
            raw.update(operator.outputs)
            found += operator.outputs
    return found


def _head(model: Any, operators: Iterable[graph.Operator]) -> list[int]:
    order = list(operators)
    layers = [place for place, operator in enumerate(order) if operator.name in _LAYERS]
    if not layers:
        return []
    last = order[layers[-1]]
    small = graph.tensor_size(model, last.inputs[1]) <= _LARGEST_FLOAT_HEAD
    downstream, found = set(last.outputs), list(last.outputs) if small else []
    for operator in order[layers[-1] + 1 :]:
        if downstream.intersection(operator.inputs):
            downstream.update(operator.outputs)
            found += operator.outputs
    return found
