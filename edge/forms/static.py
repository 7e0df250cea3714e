"""A file for a fixed number of rows."""

from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edge.flatbuffer import graph_editing, model_io
from edge.flatbuffer.strip_metadata import slim
from edge.forms.embedding_inputs import inputs
from schema.errors import InputError

# A larger tensor costs more in the file than the operator that makes it.
_LARGEST_FOLDED = 1024


def static_batch(content: bytes, rows: int) -> bytes:
    """The same network for exactly this many rows: every tensor has its shape in the file.

    What is computed from shapes alone becomes a constant, since a shape that is computed makes what it shapes dynamic,
    and CompiledModel and browsers refuse that.

    Args:
        content: an ids or packed form.
        rows: of every batch, 1 or more.

    Raises:
        InputError: for fewer rows, a raw form, or a file that does not answer at this number.
    """
    if rows < 1:
        raise InputError(f"rows: expected 1 or more. Received: {rows}")
    model = model_io.read(content)
    strings = inputs(model).strings
    if strings:
        raise InputError(f"rows: expected an ids or packed form. Received one with strings: {', '.join(strings)}")
    for index in model.subgraphs[0].inputs:
        tensor = model.subgraphs[0].tensors[int(index)]
        tensor.shape, tensor.shapeSignature = [rows, *tensor.shape[1:]], None
    interpreter = _run(model_io.write(model))
    details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    for index, tensor in enumerate(model.subgraphs[0].tensors):
        # A tensor that is not among the details belongs to an operator that gives it no memory.
        if index in details:
            tensor.shape, tensor.shapeSignature = [int(length) for length in details[index]["shape"]], None
    for index in _computed_from_shapes(model):
        if model_io.tensor_size(model, index) <= _LARGEST_FOLDED:
            graph_editing.set_constant(model, index, np.asarray(interpreter.get_tensor(index)))
    _drop_folded(model)
    graph_editing.drop_dead(model)
    return slim(model_io.write(model))


def _run(content: bytes) -> Any:
    """An interpreter that has answered rows of zeros and kept every tensor."""
    interpreter = Interpreter(
        model_content=content,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    try:
        interpreter.allocate_tensors()
        for detail in interpreter.get_input_details():
            interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
        interpreter.invoke()
    except (RuntimeError, ValueError) as error:
        raise InputError(f"the file does not answer a batch of this many rows: {error}") from None
    return interpreter


def _computed_from_shapes(model: Any) -> list[int]:
    """Tensors that depend on an input's shape and on none of its values."""
    found: list[int] = []
    for entry in model_io.operators(model):
        taken = [index for index in entry.inputs if index >= 0]
        known = all(model_io.constant(model, index) or index in found for index in taken)
        if entry.name == "SHAPE" or (known and any(index in found for index in taken)):
            found += entry.outputs
    return found


def _drop_folded(model: Any) -> None:
    main = model.subgraphs[0]
    main.operators = [entry for entry in main.operators if not model_io.constant(model, int(entry.outputs[0]))]
