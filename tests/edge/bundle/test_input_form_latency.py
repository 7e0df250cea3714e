"""Timing two forms in turn; the times themselves are not tested."""

import json
from pathlib import Path

import numpy as np
import pytest

from edge.bundle.input_form_latency import Latencies, bare_calls, main, measure, side_by_side
from edge.convert.converter import Converted, convert_each
from edge.runtime.litert_model import Columns, DeviceModel
from schema.errors import InputError
from tests.edge import losing_form


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both forms of a model without strings, of which the raw one serves as the ids form too, and golden rows."""
    made = tmp_path_factory.mktemp("forms")
    saved = losing_form.save(made / "saved")
    convert_each({None: saved}, ["float32"], made)
    (made / "float32.ids.tflite").write_bytes((made / "float32.tflite").read_bytes())
    rows = [{"precip": 0.5, "pressure": 1000.0}, {"precip": None, "pressure": 1020.0}]
    (made / "golden.json").write_text(json.dumps({"rows": rows, "ids": rows}), encoding="utf-8")
    return made


def test_both_are_asked_in_turn_and_the_medians_are_compared() -> None:
    asked: list[str] = []
    found = side_by_side([lambda: asked.append("raw")], [lambda: asked.append("ids")], runs=3)

    assert asked == ["raw", "ids"] * (len(asked) // 2)
    assert min(found.raw_us, found.ids_us) >= 0
    assert Latencies(30.0, 20.0).ratio == 1.5
    with pytest.raises(InputError, match="raw form: at least one row"):
        side_by_side([], [])


def test_a_call_answers_its_row(variants: dict[str, Converted], columns: Columns) -> None:
    model = DeviceModel(variants["float32"].path)
    some = {name: values[:5] for name, values in columns.items()}

    answers = np.concatenate([call() for call in model.single_rows(some)])

    np.testing.assert_array_equal(answers, model.predict(some, 1))


def test_bare_calls_answer_as_the_model_does(folder: Path) -> None:
    rows = [{"precip": 0.5, "pressure": 1000.0}, {"precip": 1.0, "pressure": 1020.0}]
    columns = {name: np.array([row[name] for row in rows], np.float32) for name in rows[0]}

    answers = np.concatenate([call() for call in bare_calls(folder / "float32.tflite", rows)])

    np.testing.assert_array_equal(answers, DeviceModel(folder / "float32.tflite").predict(columns, 1))


def test_golden_rows_are_timed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert measure(folder, "float32", runs=5).ratio > 0
    assert main([str(folder), "--runs", "5"]) == 0
    assert capsys.readouterr().out.startswith("float32")


def test_what_is_absent_is_named(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match=r"golden\.json: no such file"):
        measure(tmp_path, "float32")
    with pytest.raises(InputError, match=r"absent\.tflite: no such file"):
        measure(folder, "absent")
    with pytest.raises(InputError, match="row without 'pressure'"):
        bare_calls(folder / "float32.tflite", [{"precip": 1.0}])
    assert main([str(tmp_path)]) == 2
    assert "no variant with an ids form" in capsys.readouterr().err
    assert main([str(tmp_path / "absent")]) == 2
    assert "absent: no such folder" in capsys.readouterr().err
    assert main([str(folder), "--runs", "0"]) == 2
    assert "--runs: expected 1 or more. Received: 0" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"rows": 1, "ids": 1}'])
def test_what_holds_no_golden_rows_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "golden.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"golden\.json: no golden rows of a device bundle"):
        measure(tmp_path, "float32")


def test_a_broken_ids_form_is_named(tmp_path: Path) -> None:
    (tmp_path / "int8.ids.tflite").write_bytes(b"no model")
    with pytest.raises(InputError, match=r"int8\.ids\.tflite: not a LiteRT model"):
        bare_calls(tmp_path / "int8.ids.tflite", [])
