"""The cause of a loss, on a model built to lose and on one that does not."""

from pathlib import Path

import pytest

from edge.convert.converter import Converted, convert_each
from edge.gate.quantization_diagnosis import cause
from edge.runtime.litert_model import Columns, first_rows
from tests.edge import losing_form


@pytest.fixture(scope="module")
def losing(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The losing form in float32 and int8."""
    folder = tmp_path_factory.mktemp("losing")
    saved = losing_form.save(folder / "saved")
    found, _ = convert_each({None: saved}, ["float32", "int8"], folder, losing_form.rows(512, seed=1))
    return {entry.recipe: entry.path for entry in found}


@pytest.mark.parametrize("reference", [False, True])
def test_raw_numbers_on_one_scale_are_named(losing: dict[str, Path], reference: bool) -> None:
    told = cause(losing["int8"], losing_form.rows(2000, seed=2), losing["float32"] if reference else None)

    # 255 steps from 0 to 1040, which is what calibration saw of both.
    assert told is not None
    assert told.startswith("pressure and precip share one int8 scale (step 4.08): precip, 0 to 1.")
    assert told.endswith(", has 1 of 256 levels")


def test_a_file_whose_layers_take_float_has_no_cause(losing: dict[str, Path]) -> None:
    assert cause(losing["float32"], losing_form.rows(100)) is None


def test_otherwise_the_layer_with_the_most_rounding_is_named(variants: dict[str, Converted], columns: Columns) -> None:
    told = cause(variants["int8"].path, first_rows(columns, 512), variants["float32"].path)

    assert told is not None
    assert "dB of signal over rounding" in told or "share one int8 scale" in told
    assert any(name in told for name in columns)


def test_layers_of_quantized_weights_alone_have_no_cause(variants: dict[str, Converted], columns: Columns) -> None:
    assert cause(variants["dynamic_int8"].path, first_rows(columns, 64)) is None
