"""Columns of raw rows in a file: NumPy's .npz without pickles."""

from pathlib import Path
from typing import Any

import numpy as np

from edge.runtime.litert_model import Array, Columns, check_bytes

# Before each column's name in the file, since NumPy takes some names for its own, such as `file`.
PREFIX = "column:"


def save(path: Path, columns: Columns) -> None:
    """Writes the columns; strings (bytes objects) become fixed-width bytes.

    Raises:
        InputError: if a string column holds anything but bytes.
    """
    fixed: dict[str, Any] = {PREFIX + name: _fixed(name, values) for name, values in columns.items()}
    np.savez(path, allow_pickle=False, **fixed)


def load(path: Path) -> Columns:
    """The columns that `save` wrote; strings are object arrays of bytes again."""
    with np.load(path, allow_pickle=False) as file:
        found = {name.removeprefix(PREFIX): file[name] for name in file.files}
    return {name: values.astype(object) if values.dtype.kind == "S" else values for name, values in found.items()}


def missing(inputs: dict[str, type], rows: int) -> Columns:
    """Rows in which every string and number is missing and every integer is 0."""
    absent: dict[type, Array] = {
        np.bytes_: np.full(rows, b"", dtype=object),
        np.float32: np.full(rows, np.nan, np.float32),
    }
    return {name: absent.get(dtype, np.zeros(rows, dtype)) for name, dtype in inputs.items()}


def _fixed(name: str, values: Array) -> Array:
    if values.dtype.kind != "O":
        return values
    check_bytes(name, values)
    return values.astype("S")
