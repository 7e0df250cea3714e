"""Golden rows: real rows and edges, the same answers from every form, and a wrong form caught."""

import json
from pathlib import Path

import numpy as np
import pytest

from edge.flatbuffer import model_io
from edge.forms.golden import Golden, as_json, check_forms
from edge.forms.golden_selection import choose
from edge.forms.vocabulary import Vocabulary
from edge.forms.writer import Forms
from edge.runtime.litert_model import Columns, DeviceModel
from schema.errors import InputError, PipelineError
from tests.edge.forms.conftest import DOMAINS


@pytest.fixture(scope="module")
def golden(columns: Columns, vocabularies: dict[str, Vocabulary]) -> Golden:
    return Golden.of(choose(columns, vocabularies, DOMAINS), vocabularies)


def test_ten_real_rows_from_first_to_last(golden: Golden, columns: Columns) -> None:
    places = np.linspace(0, 4095, 10).round().astype(int)
    assert [len(values) for values in golden.raw.values()] == [16] * 5
    for name, values in golden.raw.items():
        np.testing.assert_array_equal(values[:10], columns[name][places])


def test_six_rows_at_the_edges(golden: Golden, columns: Columns) -> None:
    raw = {name: values[10:] for name, values in golden.raw.items()}
    first = {name: values[0] for name, values in columns.items()}
    assert raw["carrier"].tolist() == [b"", b"AA?", b"AAx" + b"xx", "é漢".encode(), first["carrier"], first["carrier"]]
    assert raw["tail"].tolist()[:4] == [b"", b"N00000?", b"N00000xxx", "é漢".encode()]
    assert raw["hour"].tolist() == [-1, 24, first["hour"], first["hour"], 0, 23]
    pressure = columns["pressure"]
    assert np.isnan(raw["pressure"][0])
    assert raw["pressure"][4:].tolist() == [np.nanmin(pressure), np.nanmax(pressure)]
    assert golden.ids["carrier"][10:14].tolist() == [1, 0, 0, 0]


def test_all_forms_agree_and_a_row_is_asked_alone(forms: dict[str, Forms], golden: Golden) -> None:
    for made in forms.values():
        scores = check_forms(made.raw, made.ids, made.packed, golden)
        assert scores.shape == (16, 1)
        np.testing.assert_array_equal(scores, DeviceModel(made.raw).predict(golden.raw, 1))


def test_golden_json_has_the_rows_of_each_form(
    forms: dict[str, Forms], golden: Golden, vocabularies: dict[str, Vocabulary]
) -> None:
    scores = {name: check_forms(made.raw, made.ids, made.packed, golden) for name, made in forms.items()}
    content = json.loads(as_json(golden, scores))
    assert content["features"] == ["carrier", "tail", "hour", "distance", "pressure"]
    assert (len(content["rows"]), content["outputs"]) == (16, 1)
    missing = {"hour": -1, "distance": None, "pressure": None}
    assert content["rows"][10] == {"carrier": "", "tail": ""} | missing
    assert content["ids"][10] == {"carrier": 1, "tail": 1} | missing
    assert content["packed"][10] == {"carrier": [0], "tail": [0, 0]} | missing
    assert content["rows"][13]["carrier"] == "é漢"
    for name, values in scores.items():
        np.testing.assert_array_equal(np.array(content["expected"][name], np.float32), values)
    again = Golden.of(_raw(content), vocabularies)
    for name, values in golden.raw.items():
        np.testing.assert_array_equal(again.raw[name], values)


def _raw(content: dict) -> Columns:
    rows = content["rows"]
    strings = {name: np.array([row[name].encode() for row in rows], object) for name in ("carrier", "tail")}
    numbers = {name: np.array([row[name] for row in rows], np.float32) for name in ("distance", "pressure")}
    return strings | {"hour": np.array([row["hour"] for row in rows], np.int64)} | numbers


def test_scores_that_are_not_finite_are_null(golden: Golden) -> None:
    scores = np.full((16, 2), np.nan, np.float32)
    assert json.loads(as_json(golden, {"int8": scores}))["expected"]["int8"][0] == [None, None]


def test_a_form_of_another_model_is_caught(forms: dict[str, Forms], golden: Golden) -> None:
    with pytest.raises(
        PipelineError, match=r"float16\.ids\.tflite: golden row 0: expected \[0\.\d+\], the answer of"
    ) as e:
        check_forms(forms["float32"].raw, forms["float16"].ids, forms["float32"].packed, golden)
    assert "float32.tflite. Received: [0." in str(e.value)


def test_a_form_with_a_wrong_id_is_caught(forms: dict[str, Forms], golden: Golden, tmp_path: Path) -> None:
    """The packed form, with the word of the missing string changed in its tables."""
    made = forms["float32"]
    model = model_io.read(made.packed.read_bytes())
    tables = [operator.inputs[1] for operator in model_io.operators(model) if operator.name == "EQUAL"]
    for table in tables:
        buffer = model.buffers[model.subgraphs[0].tensors[table].buffer]
        words = np.array(buffer.data, np.uint8).view("<i4")
        buffer.data = np.where(words == words[-1], words + 1, words).astype("<i4").view(np.uint8)
    (tmp_path / "wrong.tflite").write_bytes(model_io.write(model))
    with pytest.raises(
        PipelineError, match=r"wrong\.tflite: golden row [0-9]+: expected \[0\.[0-9]+\], the answer of float32"
    ):
        check_forms(made.raw, made.ids, tmp_path / "wrong.tflite", golden)


def test_rows_that_json_cannot_hold_are_not_chosen(columns: Columns, vocabularies: dict[str, Vocabulary]) -> None:
    rows = {name: values[:3].copy() for name, values in columns.items()}
    rows["carrier"][0] = b"\xff"
    rows["distance"][1] = np.inf
    chosen = choose(rows, vocabularies, DOMAINS)
    assert [len(values) for values in chosen.values()] == [1 + 6] * 5
    assert chosen["tail"][0] == rows["tail"][2]
    rows["hour"][:] = 2**40
    with pytest.raises(InputError, match=r"Received: none in 3 rows; of feature 'hour' 0 fit"):
        choose(rows, vocabularies, DOMAINS)


def test_strings_that_cannot_be_packed_are_not_chosen(columns: Columns, vocabularies: dict[str, Vocabulary]) -> None:
    rows = {name: values[:2].copy() for name, values in columns.items()}
    rows["carrier"][0] = b"A\0"
    known = vocabularies | {"carrier": Vocabulary((b"A\0", b"AA"), 0, 1, 2)}

    chosen = choose(rows, known, DOMAINS)

    assert chosen["carrier"][0] == rows["carrier"][1]
    assert not any(b"\0" in value for value in chosen["carrier"])


def test_features_without_a_vocabulary_or_a_domain_are_refused(
    columns: Columns, vocabularies: dict[str, Vocabulary]
) -> None:
    with pytest.raises(InputError, match=r"golden rows: feature 'carrier' has no vocabulary\. Received those of: none"):
        choose(columns, {}, DOMAINS)
    with pytest.raises(InputError, match=r"golden rows: feature 'hour' has no domain"):
        choose(columns, vocabularies, {})


def test_variants_of_different_outputs_are_refused(golden: Golden) -> None:
    scores = {"float32": np.zeros((16, 1), np.float32), "int8": np.zeros((16, 3), np.float32)}
    with pytest.raises(
        InputError, match=r"expected answers \[N, k\] of one shape\. Received: \[\(16, 1\), \(16, 3\)\]"
    ):
        as_json(golden, scores)
