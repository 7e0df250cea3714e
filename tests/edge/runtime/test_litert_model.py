"""Running a file: batches, times and refusals."""

from pathlib import Path

import numpy as np
import pytest

from edge.convert.converter import Converted
from edge.runtime.litert_model import Array, Columns, DeviceModel, batches
from schema.errors import InputError


@pytest.fixture(scope="module")
def model(variants: dict[str, Converted]) -> DeviceModel:
    return DeviceModel(variants["float32"].path)


@pytest.mark.parametrize("batch_rows", [1, 7, 512, 4096])
def test_answers_do_not_depend_on_the_batch(
    model: DeviceModel, columns: Columns, expected: Array, batch_rows: int
) -> None:
    some = {name: values[:1000] for name, values in columns.items()}
    np.testing.assert_allclose(model.predict(some, batch_rows), expected[:1000], rtol=0, atol=1e-6)


def test_int8_answers_do_not_depend_on_the_batch(variants: dict[str, Converted], columns: Columns) -> None:
    some = {name: values[:100] for name, values in columns.items()}
    model = DeviceModel(variants["int8"].path)
    np.testing.assert_allclose(model.predict(some, 1), model.predict(some, 64), rtol=0, atol=1e-6)


def test_no_rows_give_no_scores(model: DeviceModel, columns: Columns) -> None:
    assert model.predict({name: values[:0] for name, values in columns.items()}).shape == (0, 1)


def test_fixed_width_strings_are_taken(model: DeviceModel, columns: Columns, expected: Array) -> None:
    fixed = {name: values.astype("S") if values.dtype.kind == "O" else values for name, values in columns.items()}
    np.testing.assert_allclose(model.predict(fixed), expected, rtol=0, atol=1e-6)


def test_inputs_carry_the_features_names_and_types(model: DeviceModel) -> None:
    assert model.inputs == {
        "carrier": np.bytes_,
        "tail": np.bytes_,
        "hour": np.int64,
        "distance": np.float32,
        "pressure": np.float32,
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"carier": np.zeros(3, np.float32)}, r"unknown column 'carier'\. Did you mean 'carrier'\?"),
        ({"hour": np.zeros(3, np.int32)}, r"column 'hour': expected int64 \[N\]. Received: int32 \[3\]"),
        ({"distance": np.zeros(3)}, r"column 'distance': expected float32 \[N\]. Received: float64 \[3\]"),
        ({"distance": np.zeros((3, 1), np.float32)}, r"Received: float32 \[3, 1\]"),
        ({"carrier": np.array(["AA"] * 3, dtype=object)}, "column 'carrier': expected bytes.*Received: 'AA'"),
        ({"carrier": np.array([b"AA", None, b""], dtype=object)}, "Received: None"),
        ({"hour": np.zeros(2, np.int64)}, "columns of different lengths"),
    ],
)
def test_a_wrong_column_is_named(model: DeviceModel, columns: Columns, change: Columns, message: str) -> None:
    good = {name: values[:3] for name, values in columns.items()}
    with pytest.raises(InputError, match=message):
        model.predict({**good, **change})


def test_a_missing_column_is_named(model: DeviceModel, columns: Columns) -> None:
    with pytest.raises(InputError, match="missing column 'tail'"):
        model.predict({name: values for name, values in columns.items() if name != "tail"})


def test_files_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        DeviceModel(tmp_path / "absent.tflite")
    (tmp_path / "text.tflite").write_text("not a model", encoding="utf-8")
    with pytest.raises(InputError, match="not a LiteRT model"):
        DeviceModel(tmp_path / "text.tflite")


def test_batches_cut_columns_alike() -> None:
    cut = list(batches({"a": np.arange(5), "b": np.arange(5) * 2}, 2))
    assert [list(batch["a"]) for batch in cut] == [[0, 1], [2, 3], [4]]
    assert [list(batch["b"]) for batch in cut] == [[0, 2], [4, 6], [8]]
    with pytest.raises(InputError, match=r"expected 1 or more\. Received: 0"):
        list(batches({"a": np.arange(5)}, 0))
