"""The oldest runtime of a file."""

from typing import Any

import pytest
from ai_edge_litert import schema_py_generated as schema

from edge.flatbuffer.constants import parameters
from edge.flatbuffer.operator_versions import UNKNOWN, minimum_runtime, raise_versions

FLOAT32, INT8, INT4, INT32 = (getattr(schema.TensorType, name) for name in ("FLOAT32", "INT8", "INT4", "INT32"))


def _model(builtin: str, version: int, types: list[int], scales: int = 0) -> Any:
    """One operator whose second tensor, or the first of one, has that many scales."""
    model, subgraph, operator, code = schema.ModelT(), schema.SubGraphT(), schema.OperatorT(), schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, builtin)
    code.version = version
    subgraph.tensors = []
    for kind in types:
        tensor = schema.TensorT()
        tensor.type = kind
        subgraph.tensors.append(tensor)
    if scales:
        weights = subgraph.tensors[min(1, len(types) - 1)]
        weights.quantization = parameters(0.5)
        weights.quantization.scale = [0.5] * scales
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, list(range(len(types))), [0]
    subgraph.operators, subgraph.inputs, subgraph.outputs = [operator], [], []
    model.subgraphs, model.operatorCodes = [subgraph], [code]
    return model


@pytest.mark.parametrize(
    ("builtin", "version", "types", "scales", "release"),
    [
        ("HASHTABLE_FIND", 1, [INT32], 0, "2.5.0"),
        ("MUL", 5, [FLOAT32, FLOAT32], 0, "2.6.0"),
        ("CAST", 1, [INT32], 0, "1.5.0"),
        ("EMBEDDING_LOOKUP", 4, [INT32, INT4], 1, "2.18.0"),
        ("FULLY_CONNECTED", 4, [INT8, INT8], 1, "1.14.0"),
        # The version is the same and the runtime is not: see the module.
        ("FULLY_CONNECTED", 4, [INT8, INT8], 8, "2.10.0"),
        ("FULLY_CONNECTED", 12, [FLOAT32, INT8], 8, "2.17.0"),
    ],
)
def test_the_release_of_an_operators_version(
    builtin: str, version: int, types: list[int], scales: int, release: str
) -> None:
    assert minimum_runtime(_model(builtin, version, types, scales)) == release


def test_releases_are_compared_as_numbers() -> None:
    model = _model("RELU_0_TO_1", 1, [FLOAT32])
    later = _model("GELU", 1, [FLOAT32])
    assert minimum_runtime(model) == "2.10.0"
    other = _model("CAST", 4, [INT32])
    model.operatorCodes += other.operatorCodes
    other.subgraphs[0].operators[0].opcodeIndex = 1
    model.subgraphs += other.subgraphs
    # 2.9.0 of the cast is before 2.10.0, which sorts before it as text.
    assert minimum_runtime(model) == "2.10.0"
    assert minimum_runtime(later) == UNKNOWN


@pytest.mark.parametrize(("builtin", "version"), [("SEGMENT_SUM", 1), ("CAST", 99)])
def test_what_is_not_listed_is_unknown_and_said(builtin: str, version: int, caplog: pytest.LogCaptureFixture) -> None:
    assert minimum_runtime(_model(builtin, version, [FLOAT32])) == UNKNOWN
    assert f"no release of TFLite is known for {builtin} in version {version}" in caplog.text


@pytest.mark.parametrize(
    ("builtin", "types", "scales", "version"),
    [
        ("EMBEDDING_LOOKUP", [INT32, INT4], 1, 4),
        ("EMBEDDING_LOOKUP", [INT32, INT8], 1, 3),
        ("EMBEDDING_LOOKUP", [INT32, FLOAT32], 0, 1),
        ("FULLY_CONNECTED", [FLOAT32, INT8], 1, 3),
        ("FULLY_CONNECTED", [FLOAT32, INT8], 4, 12),
        ("FULLY_CONNECTED", [FLOAT32, FLOAT32], 0, 1),
        ("DEQUANTIZE", [INT8], 1, 2),
        ("DEQUANTIZE", [INT8], 4, 5),
    ],
)
def test_versions_are_those_of_the_types(builtin: str, types: list[int], scales: int, version: int) -> None:
    model = _model(builtin, 1, types, scales)
    raise_versions(model)
    assert model.operatorCodes[0].version == version


def test_versions_are_never_lowered() -> None:
    model = _model("FULLY_CONNECTED", 6, [FLOAT32, INT8], 1)
    raise_versions(model)
    assert model.operatorCodes[0].version == 6
