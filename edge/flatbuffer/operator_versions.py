"""The versions of operators that a file must ask for, and the oldest runtime that has them all."""

import logging
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from edge.flatbuffer import constants, model_io

_LOG = logging.getLogger(__name__)

UNKNOWN = "unknown"

# First TFLite release by operator, of version 1, 2, 3... Source: FindMinimumRuntimeVersionForOp in LiteRT's
# tflite/tools/versioning/runtime_version.cc (before, TensorFlow's lite/tools/versioning), for the operators that models
# like ours convert to. QUANTIZE 4 is not listed there either.
_RELEASES: dict[str, tuple[str, ...]] = {
    "ABS": ("1.13.0", "2.4.0", "2.5.0", "2.6.0", "2.12.0"),
    "ADD": ("1.5.0", "1.14.0", "2.4.0", "2.6.0", "2.13.0"),
    "BATCH_MATMUL": ("2.3.0", "2.3.0", "2.4.0", "2.5.0"),
    "BROADCAST_ARGS": ("2.6.0",),
    "CALL_ONCE": ("2.5.0",),
    "CAST": ("1.5.0", "2.7.0", "2.8.0", "2.9.0", "2.12.0", "2.15.0", "2.17.0"),
    "CONCATENATION": ("1.5.0", "1.14.0", "2.3.0", "2.14.0"),
    "DEQUANTIZE": ("1.13.1", "1.14.0", "1.15.0", "2.2.0", "2.7.0", "2.18.0"),
    "DIV": ("1.6.0", "2.3.0"),
    "EMBEDDING_LOOKUP": ("1.13.0", "1.14.0", "1.14.0", "2.18.0"),
    "EQUAL": ("1.14.0", "1.14.0", "2.3.0", "2.13.0"),
    "EXPAND_DIMS": ("1.10.0",),
    "FILL": ("1.13.0", "2.3.0", "2.5.0", "2.12.0"),
    "FULLY_CONNECTED": (
        *("1.5.0", "1.10.0", "1.14.0", "1.14.0", "2.0.0", "2.1.0", "2.3.0", "2.3.0", "2.3.0"),
        *("2.11.0", "2.15.0", "2.17.0", "2.18.0"),
    ),
    "GATHER": ("1.6.0", "1.14.0", "1.15.0", "2.4.0", "2.5.0", "2.13.0", "2.15.0"),
    "GREATER": ("1.14.0", "1.14.0"),
    "GREATER_EQUAL": ("1.14.0", "1.14.0", "2.13.0"),
    "HASHTABLE": ("2.5.0",),
    "HASHTABLE_FIND": ("2.5.0",),
    "HASHTABLE_IMPORT": ("2.5.0",),
    "HASHTABLE_SIZE": ("2.5.0",),
    "LESS": ("1.14.0", "1.14.0", "2.13.0"),
    "LESS_EQUAL": ("1.14.0", "1.14.0"),
    "LOGICAL_AND": ("1.11.0",),
    "LOGICAL_NOT": ("1.11.0",),
    "LOGICAL_OR": ("1.11.0",),
    "LOGISTIC": ("1.14.0", "1.14.0", "2.3.0"),
    "MAXIMUM": ("1.14.0", "1.14.0", "2.3.0", "2.3.0"),
    "MEAN": ("1.6.0", "1.14.0", "2.4.0"),
    "MINIMUM": ("1.14.0", "1.14.0", "2.3.0", "2.3.0"),
    "MUL": ("1.5.0", "1.14.0", "1.15.0", "2.3.0", "2.6.0", "2.11.0", "2.13.0"),
    "NEG": ("1.9.0",),
    "NOT_EQUAL": ("1.14.0", "1.14.0", "2.3.0"),
    "PACK": ("1.11.0", "1.14.0", "2.3.0", "2.13.0"),
    "QUANTIZE": ("1.14.0", "1.15.0", "2.7.0"),
    "RANGE": ("1.13.0", "2.14.0"),
    "REDUCE_MAX": ("1.11.0", "1.14.0", "2.5.0"),
    "RELU": ("1.5.0", "2.1.0", "2.5.0"),
    "RELU_0_TO_1": ("2.10.0",),
    "RESHAPE": ("1.5.0",),
    "SELECT": ("1.14.0", "1.14.0", "2.12.0", "2.12.0"),
    "SELECT_V2": ("2.2.0", "2.12.0"),
    "SHAPE": ("1.10.0",),
    "SLICE": ("1.14.0", "1.14.0", "1.14.0", "2.4.0", "2.5.0", "2.14.0"),
    "SOFTMAX": ("1.5.0", "1.14.0", "2.3.0"),
    "SPLIT": ("1.5.0", "1.14.0", "1.14.0", "2.3.0"),
    "SQUEEZE": ("1.6.0", "2.5.0"),
    "STRIDED_SLICE": ("1.6.0", "1.14.0", "2.1.0", "2.2.0", "2.5.0", "2.6.0", "2.14.0", "2.14.0"),
    "SUB": ("1.6.0", "1.14.0", "2.3.0", "2.4.0", "2.4.0"),
    "SUM": ("1.10.0", "1.15.0"),
    "TILE": ("1.10.1", "2.2.0", "2.8.0"),
    "TRANSPOSE": ("1.6.0", "1.14.0", "1.15.0", "2.3.0", "2.4.0", "2.12.0", "2.14.4"),
    "UNPACK": ("1.11.0", "1.14.0", "2.2.0", "2.3.0"),
    "ZEROS_LIKE": ("1.12.0",),
}

# A dense layer of int8 rows and weights with a scale a channel has no version of its own. TensorFlow 2.9 answers 0.5
# for every row of it, without an error; 2.10.1 and 2.11.1 answer as LiteRT 2.3 does. Measured, on Linux x86.
_BY_CHANNEL = "2.10.0"

_INT4_TABLE = 4
_HYBRID_LAYER = 3
_HYBRID_LAYER_BY_CHANNEL = 12
_INT8_TABLE = 3
_WIDENED_BY_CHANNEL = 5


def minimum_runtime(model: Any) -> str:
    """The oldest TFLite release that computes the file, such as "2.5.0"; UNKNOWN, with a warning, if it is not listed.

    An operator's version says what it computes, not how well; where that is not the whole truth, see _BY_CHANNEL.
    """
    found: list[str] = []
    for place, subgraph in enumerate(model.subgraphs):
        for entry, operator in zip(subgraph.operators, model_io.operators(model, place), strict=True):
            version = model.operatorCodes[entry.opcodeIndex].version
            releases = _RELEASES.get(operator.name, ())
            if not 1 <= version <= len(releases):
                _LOG.warning("no release of TFLite is known for %s in version %d", operator.name, version)
                return UNKNOWN
            found.append(releases[version - 1])
            if operator.name == "FULLY_CONNECTED" and _quantized_by_channel(subgraph, operator):
                found.append(_BY_CHANNEL)
    return max(found, key=lambda release: [int(number) for number in release.split(".")], default=UNKNOWN)


def raise_versions(model: Any) -> None:
    """Sets the versions that quantized weights ask for, which AI Edge Quantizer leaves as they were in float.

    Source of the rules: LiteRT's tflite/tools/versioning/op_version.cc.
    """
    for place, subgraph in enumerate(model.subgraphs):
        for entry, operator in zip(subgraph.operators, model_io.operators(model, place), strict=True):
            code = model.operatorCodes[entry.opcodeIndex]
            code.version = max(code.version, _needed(subgraph, operator))


def _needed(subgraph: Any, operator: model_io.Operator) -> int:
    types = [subgraph.tensors[index].type for index in operator.inputs if index >= 0]
    if operator.name == "EMBEDDING_LOOKUP":
        return {schema.TensorType.INT4: _INT4_TABLE, schema.TensorType.INT8: _INT8_TABLE}.get(types[1], 1)
    if operator.name == "FULLY_CONNECTED" and types[:2] == [schema.TensorType.FLOAT32, schema.TensorType.INT8]:
        return _HYBRID_LAYER_BY_CHANNEL if _by_channel(subgraph, operator.inputs[1]) else _HYBRID_LAYER
    if operator.name == "DEQUANTIZE" and types == [schema.TensorType.INT8]:
        return _WIDENED_BY_CHANNEL if _by_channel(subgraph, operator.inputs[0]) else constants.DEQUANTIZE_INT8
    return 1


def _quantized_by_channel(subgraph: Any, layer: model_io.Operator) -> bool:
    return bool(subgraph.tensors[layer.inputs[0]].type == schema.TensorType.INT8) and _by_channel(
        subgraph, layer.inputs[1]
    )


def _by_channel(subgraph: Any, index: int) -> bool:
    quantization = subgraph.tensors[index].quantization
    return quantization is not None and quantization.scale is not None and len(quantization.scale) > 1
