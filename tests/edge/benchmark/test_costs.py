"""What variants take; the times themselves are not tested."""

import numpy as np
import pytest

from edge.benchmark.costs import measure_costs
from edge.convert.converter import Converted
from edge.runtime.litert_model import Columns
from schema.errors import InputError


def test_each_variant_has_its_own_costs(variants: dict[str, Converted], columns: Columns) -> None:
    models = {name: variants[name].path for name in ("float32", "int8")}

    found = measure_costs(models, columns)

    assert list(found) == ["float32", "int8"]
    for name, cost in found.items():
        assert cost.bytes == variants[name].bytes
        assert 0 < cost.gzip_bytes < cost.bytes
        assert 0 < cost.latency_p50_us <= cost.latency_p95_us
        assert cost.rows_per_second > 0
        assert cost.peak_memory_bytes is not None
        assert cost.peak_memory_bytes > 0


def test_without_rows_nothing_is_measured(variants: dict[str, Converted], columns: Columns) -> None:
    none = {name: np.zeros(0, values.dtype) for name, values in columns.items()}
    with pytest.raises(InputError, match="int8: at least one row is needed"):
        measure_costs({"int8": variants["int8"].path}, none)
