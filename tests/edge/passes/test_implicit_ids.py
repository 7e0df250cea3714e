"""String tables: ids that are counted instead of stored."""

import numpy as np

from edge.convert.converter import Converted
from edge.flatbuffer import model_io
from tests.edge import device_form


def test_ids_are_not_stored(variants: dict[str, Converted]) -> None:
    for entry in variants.values():
        model = model_io.read(entry.path.read_bytes())
        initial = [operator.name for operator in model_io.operators(model, 1)]
        # The table of 8 carriers is too small to be worth it.
        assert initial.count("HASHTABLE_IMPORT") == 2
        assert initial.count("RANGE") == 1
        assert not any(_holds(buffer.data, device_form.TAILS) for buffer in model.buffers)


def _holds(data: np.ndarray | None, count: int) -> bool:
    """Whether the bytes are consecutive int64 from anywhere on."""
    if data is None or len(data) != 8 * (count + 1):
        return False
    return bool(np.all(np.diff(np.asarray(data, np.uint8).view("<i8")) == 1))
