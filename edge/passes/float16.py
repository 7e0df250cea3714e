"""Large constants in half precision, expanded once when the model is loaded."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge.flatbuffer import constants, model_io
from schema.errors import PipelineError


def halve(content: bytes) -> bytes:
    """A float32 model whose large constants are float16; it computes in float32.

    The converter's own float16 option would round the small constants as well, the quantile boundaries among them.

    Raises:
        PipelineError: if a weight exceeds float16's range.
    """
    model = model_io.read(content)
    indices = constants.large(model)
    for index in indices:
        _shrink(model, index)
    constants.widen_at_load(model, indices, constants.DEQUANTIZE_FLOAT16)
    constants.drop_unused_buffers(model)
    return model_io.write(model)


def _shrink(model: Any, index: int) -> None:
    with np.errstate(over="ignore"):
        halves = constants.values(model, index).astype("<f2")
    if not np.isfinite(halves).all():
        raise PipelineError(
            f"float16: constant '{model_io.tensor_name(model, index)}' exceeds half precision's 65504. "
            "Leave float16 out of device.variants"
        )
    constants.replace(model, index, halves, schema.TensorType.FLOAT16)
