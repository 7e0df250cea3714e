"""The parts of a float graph that stay float in an int8 model: before the first weights, and after the last."""

from collections.abc import Iterable
from typing import Any

from edge.flatbuffer import model_io

# Operators that bring learned weights to a value; what comes out of them is bounded by training, so int8 holds it.
_LAYERS = frozenset({"FULLY_CONNECTED", "BATCH_MATMUL", "CONV_2D"})
_LOOKUPS = frozenset({"GATHER", "EMBEDDING_LOOKUP"})

# A head of more weights than this is quantized: left in float it would cost more bytes than it saves error.
_LARGEST_FLOAT_HEAD = 4096


def float_nodes(model: Any) -> tuple[str, ...]:
    """Names of the output tensors of the operators to keep in float.

    They are the raw numbers' normalisation, since one int8 scale cannot hold a pressure of 1013 and its tenth, and
    whatever no further layer follows, since 256 levels of a probability are ties where the float model has none.
    """
    operators = model_io.operators(model)
    raw = [index for operator in _raw(model, operators) for index in operator.outputs]
    return tuple(dict.fromkeys(model_io.tensor_name(model, index) for index in (*raw, *_head(model, operators))))


def raw_constants(model: Any) -> frozenset[int]:
    """Constants that the raw features meet before the first weights, such as quantile boundaries.

    They stay float32 in every variant: near a pressure of 1013 half precision has steps of 0.5.
    """
    taken = {index for operator in _raw(model, model_io.operators(model)) for index in operator.inputs}
    return frozenset(index for index in taken if index >= 0 and model_io.constant(model, index))


def _raw(model: Any, operators: Iterable[model_io.Operator]) -> list[model_io.Operator]:
    raw = {int(index) for index in model.subgraphs[0].inputs}
    weighted: set[int] = set()
    found: list[model_io.Operator] = []
    for operator in operators:
        if operator.name in _LAYERS | _LOOKUPS or weighted.intersection(operator.inputs):
            weighted.update(operator.outputs)
        elif raw.intersection(operator.inputs):
            raw.update(operator.outputs)
            found.append(operator)
    return found


def _head(model: Any, operators: Iterable[model_io.Operator]) -> list[int]:
    feeding: set[int] = set()
    found: list[int] = []
    for operator in reversed(list(operators)):
        layer = operator.name in _LAYERS
        if feeding.intersection(operator.outputs) or (layer and not _small(model, operator)):
            feeding.update(operator.inputs)
        elif layer:
            # A small last layer is float itself, and what feeds it is not.
            feeding.update(operator.inputs)
            found += operator.outputs
        elif operator.name not in _LOOKUPS and not _joins_lookups(model, operator):
            found += operator.outputs
    return found


def _joins_lookups(model: Any, operator: model_io.Operator) -> bool:
    """Whether it only joins looked-up rows, which are int8 and can be widened together."""
    lookups = {index for entry in model_io.operators(model) if entry.name in _LOOKUPS for index in entry.outputs}
    return operator.name == "CONCATENATION" and lookups.issuperset(operator.inputs)


def _small(model: Any, layer: model_io.Operator) -> bool:
    return model_io.tensor_size(model, layer.inputs[1]) <= _LARGEST_FLOAT_HEAD
