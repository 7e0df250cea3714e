"""Asking a form of a fixed number of rows."""

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from edge.runtime.litert_model import Array, Columns, batches
from schema.errors import InputError
from schema.signatures import DEVICE_SCORE, SERVING_DEFAULT


def answers(model: Path | bytes, columns: Columns) -> Array:
    """What an ids or packed form says.

    Args:
        model: the file or its content; its number of rows is fixed.
        columns: as columns.as_ids or as_packed gives them, an array of N rows for each input.

    Returns:
        float32 [N, k]. The last batch is filled up with its own last row.

    Raises:
        InputError: if the columns are not the file's inputs, or one has another type or shape.
    """
    content = model.read_bytes() if isinstance(model, Path) else model
    interpreter = Interpreter(model_content=content)
    runner = interpreter.get_signature_runner(SERVING_DEFAULT)
    details = runner.get_input_details()
    if columns.keys() != details.keys():
        raise InputError(f"expected the columns {sorted(details)}. Received: {sorted(columns)}")
    for name, detail in details.items():
        _check(name, columns[name], detail)
    rows = int(next(iter(details.values()))["shape"][0])
    scores = []
    for batch in batches(columns, rows):
        given = len(next(iter(batch.values())))
        filled = {name: np.concatenate([v, np.repeat(v[-1:], rows - given, axis=0)]) for name, v in batch.items()}
        scores.append(np.array(runner(**filled)[DEVICE_SCORE][:given]))
    width = int(runner.get_output_details()[DEVICE_SCORE]["shape"][-1])
    return np.concatenate(scores) if scores else np.zeros((0, width), np.float32)


def _check(name: str, values: Array, detail: dict[str, Any]) -> None:
    shape = [int(length) for length in detail["shape"][1:]]
    if values.dtype != detail["dtype"] or list(values.shape[1:]) != shape:
        expected = f"{np.dtype(detail['dtype'])} {['N', *shape]}"
        raise InputError(f"column '{name}': expected {expected}. Received: {values.dtype} {list(values.shape)}")
