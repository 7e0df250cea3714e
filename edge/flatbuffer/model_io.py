"""The operators and tensors of a .tflite file, read from its flatbuffer."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from edge.flatbuffer.deduplication import SharingBuilder

_IDENTIFIER = b"TFL3"
_OPERATOR_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}


@dataclass(frozen=True)
class Operator:
    """One operator: its builtin name (or its custom name) and the indices of its tensors."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    builtin: bool


def read(content: bytes) -> Any:
    """The file's mutable object tree (a ModelT of the LiteRT schema).

    Shapes, scales, inputs and outputs are of each object's own, though the file may share them; the data of buffers,
    which may be large, are a view.
    """
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    for subgraph in model.subgraphs or ():
        for owner in (subgraph, *(subgraph.tensors or ()), *(subgraph.operators or ())):
            _unshare(owner)
            _unshare(getattr(owner, "quantization", None))
    return model


def write(model: Any) -> bytes:
    """The bytes of an object tree, with the .tflite identifier; see edge.flatbuffer.deduplication for equal parts."""
    builder = SharingBuilder()
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def operators(model: Any, subgraph: int = 0) -> tuple[Operator, ...]:
    """The operators of one subgraph, in the order they run."""
    return tuple(operator(model, entry) for entry in model.subgraphs[subgraph].operators)


def operator(model: Any, entry: Any) -> Operator:
    """One entry of a subgraph's list of operators."""
    code = model.operatorCodes[entry.opcodeIndex]
    # Files older than schema 3a hold the code in the deprecated byte; newer ones hold min(code, 127) there.
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    builtin = number != schema.BuiltinOperator.CUSTOM
    name = _OPERATOR_NAMES.get(number, str(number)) if builtin else bytes(code.customCode or b"").decode("utf-8")
    return Operator(name, _indices(entry.inputs), _indices(entry.outputs), builtin)


def custom_operators(model: Any) -> tuple[str, ...]:
    """Names of operators that are no LiteRT builtins, in all subgraphs; TF Select ops are called Flex..."""
    found = (entry for index in range(len(model.subgraphs)) for entry in operators(model, index))
    return tuple(sorted({entry.name for entry in found if not entry.builtin}))


def constant(model: Any, tensor: int) -> bool:
    """Whether the tensor of the first subgraph holds data in the file."""
    data = model.buffers[model.subgraphs[0].tensors[tensor].buffer].data
    return data is not None and len(data) > 0


def tensor_name(model: Any, tensor: int) -> str:
    """The name of a tensor of the first subgraph."""
    name = model.subgraphs[0].tensors[tensor].name
    return name.decode("utf-8") if isinstance(name, bytes) else str(name)


def tensor_size(model: Any, tensor: int) -> int:
    """Number of elements of a tensor of the first subgraph."""
    size = 1
    for length in _indices(model.subgraphs[0].tensors[tensor].shape):
        size *= length
    return size


def _unshare(owner: Any) -> None:
    for name, value in list(vars(owner).items()) if owner is not None else ():
        if isinstance(value, np.ndarray):
            setattr(owner, name, value.copy())


def _indices(values: Iterable[int] | None) -> tuple[int, ...]:
    return () if values is None else tuple(int(value) for value in values)
