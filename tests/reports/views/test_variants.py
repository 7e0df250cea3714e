"""Device variants: what made each, and what it takes."""

from typing import Any

from reports.views.variants import Variants
from schema.metrics import metrics_of
from schema.problem import Task

ENTRY: dict[str, Any] = {
    "name": "int8",
    "accepted": True,
    "value": 0.7,
    "flip_rate": 0.0,
    "bytes": 1000,
    "gzip_bytes": 900,
    "latency_p50_us": 20.0,
    "latency_p95_us": 30.0,
    "rows_per_second": 50000.0,
}


def line(**values: Any) -> dict[str, str]:
    """What the table of costs says of one variant, by column."""
    table = Variants([{**ENTRY, **values}], metrics_of(Task.BINARY)["auc"]).costs()
    return {column.label: cell.marked for column, cell in zip(table.columns, table.rows[0], strict=True)}


def test_what_converted_a_variant_and_what_trained_it_further_stand_apart() -> None:
    tuned = line(backend="tf_converter", technique="quantization_aware")
    plain = line(backend="flatbuffer", technique=None)

    assert (tuned["converter"], tuned["fine-tuned"]) == ("tf_converter", "quantization aware")
    assert (plain["converter"], plain["fine-tuned"]) == ("flatbuffer", "")
    assert line()["converter"] == "-"
