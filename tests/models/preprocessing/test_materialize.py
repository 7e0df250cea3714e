"""What is refused to be written of a shard."""

from pathlib import Path

import pytest

from models.preprocessing.statistics import Statistics
from schema.errors import PipelineError
from tests.models.rows_case import bound_problem, trace, transform


def test_an_encoded_value_that_is_not_finite_fails_with_column_rows_and_shard(tmp_path: Path) -> None:
    bound = bound_problem(task="regression", label="rain", features={"area": {"encoding": "quantiles", "buckets": 4}})
    graph = trace(bound, Statistics({}, {"area": (0.0,) * 5}), tmp_path / "graph")
    rows = [{"area": 1, "rain": rain, "wet": 0} for rain in (1.0, float("nan"), float("inf"))]
    expected = r"column 'rain'.*nan in 2 of 3 rows, the first of them row 2 of .*\.gz"
    with pytest.raises(PipelineError, match=expected):
        transform(graph, bound, rows, tmp_path / "rows")
