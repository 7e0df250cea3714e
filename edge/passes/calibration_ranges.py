"""The value range of every float tensor over the calibration rows, and its place in the file."""

from collections.abc import Mapping

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edge.flatbuffer import model_io
from edge.runtime.litert_model import Array, Columns, DeviceModel, batches

# Rows a batch. The range is the exact minimum and maximum over all rows, so that the batch size does not show in it.
_BATCH_ROWS = 256

Ranges = dict[int, tuple[float, float]]


def observe(content: bytes, columns: Columns) -> Ranges:
    """Minimum and maximum of each float tensor over the rows, by tensor index; not-finite values do not count.

    The converter's own calibrator is not used: fed with strings it ends the process or fails inside C++.

    Raises:
        InputError: if the columns do not fit the model's signature.
    """
    interpreter = Interpreter(
        model_content=content,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    model = DeviceModel(interpreter)
    # A tensor that no operator takes or gives has no values to look at.
    used = {index for entry in model_io.operators(model_io.read(content)) for index in (*entry.inputs, *entry.outputs)}
    details = [entry for entry in interpreter.get_tensor_details() if entry["index"] in used and entry["name"]]
    floats = [entry["index"] for entry in details if entry["dtype"] is np.float32]
    found: Ranges = {}
    for batch in batches(columns, _BATCH_ROWS):
        model.predict(batch, _BATCH_ROWS)
        for index in floats:
            _widen(found, index, interpreter.get_tensor(index))
    return found


def annotate(content: bytes, ranges: Mapping[int, tuple[float, float]]) -> bytes:
    """The same file with the ranges written to its activations, as the quantizer expects them."""
    model = model_io.read(content)
    for index, tensor in enumerate(model.subgraphs[0].tensors):
        if index in ranges and not model_io.constant(model, index):
            tensor.quantization = tensor.quantization or schema.QuantizationParametersT()
            tensor.quantization.min, tensor.quantization.max = ([end] for end in ranges[index])
    return model_io.write(model)


def _widen(found: Ranges, index: int, values: Array) -> None:
    finite = values[np.isfinite(values)]
    if finite.size:
        low, high = found.get(index, (np.inf, -np.inf))
        found[index] = min(low, float(finite.min())), max(high, float(finite.max()))
