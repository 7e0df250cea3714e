"""Scores that every runtime computes alike: the last activation of an integer network, in 16 bits."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge.flatbuffer import constants, model_io
from edge.flatbuffer.graph_editing import Chain, add_constant

# Operators that make probabilities of logits.
_ACTIVATIONS = frozenset({"LOGISTIC", "SOFTMAX"})
_LAYERS = frozenset({"FULLY_CONNECTED", "BATCH_MATMUL", "CONV_2D"})

# Logits in steps of 1/2048, up to 16 to either side: a probability there is 1e-7 from 0 or 1. A softmax takes each
# logit less the largest, so that what two classes share does not count.
_LOGIT_SCALE = 2.0**-11
# What LiteRT's kernels demand of 16-bit probabilities.
_SCORE_SCALE = 2.0**-15

# The first versions that take 16 bits.
_QUANTIZE_INT16, _LOGISTIC_INT16, _SOFTMAX_INT16, _DEQUANTIZE_INT16 = 3, 3, 3, 3


# LiteRT's 16-bit softmax gives no class less than e^-10 of the likeliest one's share: of many classes that is much.
MOST_CLASSES = 10


def integer_scores(content: bytes) -> bytes:
    """A model whose probabilities come out of integer arithmetic, where it ends in float LOGISTIC or SOFTMAX.

    Runtimes approximate those two differently, and so an int8 model's answers differ in the last bits of float32
    between a processor and WebAssembly: in 813 of 2,014 rows of the flights problem, and in none after this. It costs
    about 300 bytes, no time that could be measured, and moves the sigmoid's probability by 8e-5 at most, a softmax's by
    6e-5 times its classes. What feeds the logits in float may still differ by a last bit, which moves a logit to its
    next step about once in 100,000 rows.

    Args:
        content: a model whose layers before its last are integer; others gain nothing by it.

    Returns:
        The model, unchanged where no activation follows the last layer, as in a regression, or where there are more
        than MOST_CLASSES classes.
    """
    model = model_io.read(content)
    subgraph = model.subgraphs[0]
    operators: list[Any] = []
    for place, entry in enumerate(subgraph.operators):
        is_last = _is_activation(model, entry) and not _feeds_layer(model, place)
        operators += _in_16_bits(model, entry) if is_last else [entry]
    subgraph.operators = operators
    return model_io.write(model)


def _is_activation(model: Any, entry: Any) -> bool:
    known = model_io.operator(model, entry)
    is_float = (
        model.subgraphs[0].tensors[known.outputs[0]].type == schema.TensorType.FLOAT32 if known.outputs else False
    )
    return known.name in _ACTIVATIONS and is_float and not _has_many_classes(model, known)


def _has_many_classes(model: Any, known: model_io.Operator) -> bool:
    return known.name == "SOFTMAX" and int(model.subgraphs[0].tensors[known.outputs[0]].shape[-1]) > MOST_CLASSES


def _feeds_layer(model: Any, place: int) -> bool:
    operators = model_io.operators(model)
    fed = set(operators[place].outputs)
    for operator in operators[place + 1 :]:
        if fed.intersection(operator.inputs):
            if operator.name in _LAYERS:
                return True
            fed.update(operator.outputs)
    return False


def _in_16_bits(model: Any, entry: Any) -> list[Any]:
    """The activation between a quantization of its logits and the widening of its scores."""
    known = model_io.operator(model, entry)
    logits, scores = known.inputs[0], known.outputs[0]
    shifted, before = _less_the_largest(model, logits) if known.name == "SOFTMAX" else (logits, [])
    narrow_logits = _int16_like(model, logits, "_int16", _LOGIT_SCALE)
    narrow_scores = _int16_like(model, scores, "_int16", _SCORE_SCALE)
    builtin = schema.BuiltinOperator
    version = _LOGISTIC_INT16 if known.name == "LOGISTIC" else _SOFTMAX_INT16
    entry.opcodeIndex = constants.operator_code(model, getattr(builtin, known.name), version)
    entry.inputs, entry.outputs = [narrow_logits], [narrow_scores]
    quantize = constants.operator_code(model, builtin.QUANTIZE, _QUANTIZE_INT16)
    dequantize = constants.operator_code(model, builtin.DEQUANTIZE, _DEQUANTIZE_INT16)
    return [
        *before,
        constants.operator(quantize, [shifted], narrow_logits),
        entry,
        constants.operator(dequantize, [narrow_scores], scores),
    ]


def _less_the_largest(model: Any, logits: int) -> tuple[int, list[Any]]:
    """The logits less each row's largest, and the operators that make them; both are exact, so runtimes agree."""
    known, chain = model.subgraphs[0].tensors[logits], Chain(model)
    shape = [int(length) for length in (known.shape if known.shapeSignature is None else known.shapeSignature)]
    options = schema.ReducerOptionsT()
    options.keepDims = True
    axis = add_constant(model, np.array([len(shape) - 1], np.int32))
    largest = chain.add("REDUCE_MAX", [logits, axis], schema.TensorType.FLOAT32, [*shape[:-1], 1], options)
    shifted = chain.add("SUB", [logits, largest], schema.TensorType.FLOAT32, shape, schema.SubOptionsT())
    return shifted, chain.operators


def _int16_like(model: Any, index: int, suffix: str, scale: float) -> int:
    added = constants.add_like(model, index, suffix, schema.TensorType.INT16)
    quantization = schema.QuantizationParametersT()
    quantization.scale, quantization.zeroPoint = np.array([scale], np.float32), np.array([0], np.int64)
    model.subgraphs[0].tensors[added].quantization = quantization
    return added
