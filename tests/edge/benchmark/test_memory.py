"""Peak memory of a file, in a process of its own."""

from pathlib import Path

import pytest

from edge.benchmark import peak_memory_worker
from edge.benchmark.memory import peak_memory
from edge.convert.converter import Converted
from edge.runtime.litert_model import Columns, first_rows
from schema.errors import PipelineError


def test_a_model_takes_more_than_its_file_and_less_than_a_framework(
    variants: dict[str, Converted], columns: Columns
) -> None:
    found = peak_memory(variants["float32"].path, first_rows(columns, 512))

    assert found is not None
    assert variants["float32"].bytes / 2 < found < 100e6


def test_the_process_loads_what_a_device_has() -> None:
    source = Path(peak_memory_worker.__file__).read_text(encoding="utf-8")
    lines = [line for line in source.splitlines() if line.startswith(("import ", "from "))]

    assert {line.split()[1].partition(".")[0] for line in lines} == {"sys", "pathlib", "numpy", "ai_edge_litert"}


def test_a_file_that_is_no_model_fails_with_its_name(tmp_path: Path, columns: Columns) -> None:
    (tmp_path / "broken.tflite").write_text("not a model", encoding="utf-8")
    with pytest.raises(PipelineError, match=r"broken\.tflite: measuring its memory ended with exit code 1: "):
        peak_memory(tmp_path / "broken.tflite", first_rows(columns, 2))
