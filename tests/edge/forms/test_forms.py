"""Ids and packed forms: the raw form's answers to the last bit, without strings, for a fixed number of rows."""

import shutil
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as litert
from ai_edge_litert.compiled_model import CompiledModel
from ai_edge_litert.interpreter import Interpreter

from edge.convert.converter import Converted
from edge.flatbuffer import graph_editing, model_io
from edge.forms.answers import answers
from edge.forms.columns import as_ids, as_packed
from edge.forms.ids import ids_form
from edge.forms.packed import packed_form
from edge.forms.static import static_batch
from edge.forms.vocabulary import Vocabulary, observe
from edge.forms.writer import Forms, write_forms
from edge.runtime.litert_model import Array, Columns, DeviceModel
from models.preprocessing.encoder import vocabulary_table
from models.preprocessing.encoding import vocabulary_id
from schema.errors import InputError, PipelineError
from tests.edge import device_form
from tests.edge.forms.conftest import CARD


def converted(saved_model: Path) -> bytes:
    """The converter's own file, of float32."""
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=["serving_default"])
    return bytes(converter.convert())


ORDER = ["carrier", "tail", "hour", "distance", "pressure"]


def test_every_form_answers_as_the_raw_one(
    forms: dict[str, Forms], rows: Columns, vocabularies: dict[str, Vocabulary]
) -> None:
    for made in forms.values():
        expected = DeviceModel(made.raw).predict(rows, 1)
        np.testing.assert_array_equal(answers(made.ids, as_ids(rows, vocabularies)), expected)
        np.testing.assert_array_equal(answers(made.packed, as_packed(rows, vocabularies)), expected)


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_answers_do_not_depend_on_the_number_of_rows(
    batch: int, int8: Path, rows: Columns, vocabularies: dict[str, Vocabulary]
) -> None:
    some = {name: values[:100] for name, values in rows.items()}
    expected = DeviceModel(int8).predict(some, 1)
    made = static_batch(packed_form(int8.read_bytes(), vocabularies), batch)
    np.testing.assert_array_equal(answers(made, as_packed(some, vocabularies)), expected)


@pytest.mark.parametrize(("outputs", "activation"), [(3, "softmax"), (1, "linear")])
def test_other_tasks(
    outputs: int, activation: str, tmp_path: Path, rows: Columns, vocabularies: dict[str, Vocabulary]
) -> None:
    (tmp_path / "raw.tflite").write_bytes(converted(device_form.save(tmp_path / "saved", outputs, activation)))
    made = write_forms(tmp_path / "raw.tflite", tmp_path, vocabularies, CARD.model_copy(update={"variant": "float32"}))
    expected = DeviceModel(made.raw).predict(rows, 1)
    assert expected.shape == (2000, outputs)
    np.testing.assert_array_equal(answers(made.ids, as_ids(rows, vocabularies)), expected)
    np.testing.assert_array_equal(answers(made.packed, as_packed(rows, vocabularies)), expected)


def test_compiled_models_answer_alike(
    forms: dict[str, Forms], rows: Columns, vocabularies: dict[str, Vocabulary]
) -> None:
    some = {name: values[:50] for name, values in rows.items()}
    for made in forms.values():
        for path, columns in ((made.ids, as_ids(some, vocabularies)), (made.packed, as_packed(some, vocabularies))):
            np.testing.assert_allclose(_compiled(path, columns), answers(path, columns), rtol=0, atol=1e-6)


def _compiled(path: Path, columns: Columns) -> Array:
    model = CompiledModel.from_file(str(path))
    key = "serving_default"
    given = {name: model.create_input_buffer_by_name(key, name) for name in columns}
    score = model.create_output_buffer_by_name(key, "score")
    found = []
    for row in range(len(next(iter(columns.values())))):
        for name, buffer in given.items():
            buffer.write(np.ascontiguousarray(columns[name][row : row + 1]))
        model.run_by_name(key, given, {"score": score})
        found.append(np.array(score.read(1, np.float32)))
    return np.array(found).reshape(-1, 1)


def test_nothing_of_strings_is_left(forms: dict[str, Forms]) -> None:
    for made in forms.values():
        for path in (made.ids, made.packed):
            model = model_io.read(path.read_bytes())
            assert len(model.subgraphs) == 1
            types = {tensor.type for tensor in model.subgraphs[0].tensors}
            assert not types & {litert.TensorType.STRING, litert.TensorType.RESOURCE}
            names = {operator.name for operator in model_io.operators(model)}
            assert not any(name.startswith("HASHTABLE") for name in names)
            assert not names & {"CALL_ONCE", "SHAPE", "FILL"}
        assert b"N00001" not in made.ids.read_bytes()


def test_every_shape_is_in_the_file(forms: dict[str, Forms]) -> None:
    for made in forms.values():
        for path in (made.ids, made.packed):
            tensors = model_io.read(path.read_bytes()).subgraphs[0].tensors
            assert all(tensor.shapeSignature is None for tensor in tensors)
            assert all(tensor.shape is not None for tensor in tensors)


def test_the_ids_form_is_smaller_than_the_raw_one(forms: dict[str, Forms]) -> None:
    for made in forms.values():
        # 3,000 tails of 6 bytes and an offset of 4, and the carriers.
        assert made.sizes["raw"] - made.sizes["ids"] > 30_000
        # 3,001 tails of 2 words and a step.
        assert made.sizes["packed"] - made.sizes["ids"] < 3001 * 12 + 3000


def test_inputs_keep_their_names_and_order(forms: dict[str, Forms], variants: dict[str, Converted]) -> None:
    order = _input_names(variants["int8"].path)
    assert sorted(order) == sorted(ORDER)
    ids, packed = (Interpreter(str(path)) for path in (forms["int8"].ids, forms["int8"].packed))
    assert _input_names(forms["int8"].ids) == _input_names(forms["int8"].packed) == order
    one, two = (runner.get_signature_runner("serving_default").get_input_details() for runner in (ids, packed))
    assert list(one) == list(two) == sorted(ORDER)
    assert {name: (list(detail["shape"]), detail["dtype"]) for name, detail in one.items()} == {
        "carrier": ([1], np.int32),
        "tail": ([1], np.int32),
        "hour": ([1], np.int32),
        "distance": ([1], np.float32),
        "pressure": ([1], np.float32),
    }
    assert list(two["carrier"]["shape"]) == [1, 1]
    assert list(two["tail"]["shape"]) == [1, 2]
    assert two["carrier"]["dtype"] == two["tail"]["dtype"] == two["hour"]["dtype"] == np.int32


def _input_names(path: Path) -> list[str]:
    model = model_io.read(path.read_bytes())
    names = {entry.tensorIndex: entry.name.decode() for entry in model.signatureDefs[0].inputs}
    return [names[int(index)] for index in model.subgraphs[0].inputs]


def test_tables_that_are_looked_up_by_int32_ids(
    variants: dict[str, Converted], rows: Columns, vocabularies: dict[str, Vocabulary], tmp_path: Path
) -> None:
    """EMBEDDING_LOOKUP takes int32 alone, so a cast stands between the ids and it."""
    model = model_io.read(variants["float32"].path.read_bytes())
    (tmp_path / "raw.tflite").write_bytes(model_io.write(_with_embedding_lookups(model)))
    content = (tmp_path / "raw.tflite").read_bytes()
    expected = DeviceModel(variants["float32"].path).predict(rows, 1)
    np.testing.assert_array_equal(DeviceModel(tmp_path / "raw.tflite").predict(rows, 1), expected)
    ids = static_batch(ids_form(content), 1)
    np.testing.assert_array_equal(answers(ids, as_ids(rows, vocabularies)), expected)
    packed = static_batch(packed_form(content, vocabularies), 1)
    np.testing.assert_array_equal(answers(packed, as_packed(rows, vocabularies)), expected)
    # Two for the hour, whose ids are computed in int64; a string's ids need none.
    casts = [operator for operator in model_io.operators(model_io.read(ids)) if operator.name == "CAST"]
    integers = {litert.TensorType.INT32, litert.TensorType.INT64}
    tensors = model_io.read(ids).subgraphs[0].tensors
    assert sum({tensors[cast.inputs[0]].type, tensors[cast.outputs[0]].type} <= integers for cast in casts) == 2


def _with_embedding_lookups(model: object) -> object:
    main, added = model.subgraphs[0], []
    for entry in main.operators:
        if model_io.operator(model, entry).name == "GATHER":
            table, ids = (int(index) for index in entry.inputs)
            narrow = graph_editing.add_tensor(model, litert.TensorType.INT32, [-1])
            added.append(graph_editing.cast(model, ids, narrow))
            lookup = graph_editing.operator(model, "EMBEDDING_LOOKUP", [narrow, table], int(entry.outputs[0]))
            added.append(lookup)
        else:
            added.append(entry)
    main.operators = added
    return model


def test_files_with_the_names_of_their_tensors(
    saved_model: Path, rows: Columns, vocabularies: dict[str, Vocabulary]
) -> None:
    """The converter's own output, neither slimmed nor with counted ids."""
    content = converted(saved_model)
    made = static_batch(packed_form(content, vocabularies), 1)
    some = {name: values[:50] for name, values in rows.items()}
    expected = DeviceModel(Interpreter(model_content=content)).predict(some, 1)
    np.testing.assert_array_equal(answers(made, as_packed(some, vocabularies)), expected)


class Encoded(tf.Module):
    """A model that encodes strings as trained ones do, one of them without a known term."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = {name: vocabulary_table(tuple(terms)) for name, terms in ENCODED.items()}
        self.vectors = tf.Variable(np.arange(16, dtype=np.float32).reshape(8, 2) ** 2)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name=name) for name in ("carrier", "origin")])
    def serve(self, carrier: tf.Tensor, origin: tf.Tensor) -> dict[str, tf.Tensor]:
        """The signature."""
        ids = [
            vocabulary_id(strings, self.tables[name].lookup(strings))
            for name, strings in (("carrier", carrier), ("origin", origin))
        ]
        return {"score": tf.gather(self.vectors, ids[0]) + tf.gather(self.vectors, ids[1])}


ENCODED = {"carrier": [b"AAAA", b"B6", b"12345678", "é".encode()], "origin": []}


def test_ids_of_trained_models(tmp_path: Path) -> None:
    module = Encoded()
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures={"serving_default": module.serve})
    content = converted(tmp_path / "saved")
    known = observe(content, ENCODED)
    assert [known["carrier"].ids[term] for term in (b"", *ENCODED["carrier"])] == [0, 2, 3, 4, 5]
    assert (known["origin"].missing_id, known["origin"].unseen_id, known["origin"].words) == (0, 1, 1)
    strings = [b"", *ENCODED["carrier"], b"AAAAA", b"AAA", b"123456789", b"\xc3", b"B6\0"]
    rows = {
        "carrier": np.array(strings, object),
        "origin": np.array([b"", b"JFK"] * 5, object),
    }
    expected = DeviceModel(Interpreter(model_content=content)).predict(rows, 1)
    np.testing.assert_array_equal(expected[:2, 0], [0 + 0, 4 * 4 + 2 * 2])
    np.testing.assert_array_equal(answers(static_batch(ids_form(content), 1), as_ids(rows, known)), expected)
    packed = static_batch(packed_form(content, known), 3)
    np.testing.assert_array_equal(answers(packed, as_packed(rows, known)), expected)


class Comparing(tf.Module):
    """A model that uses a string not only by its id."""

    def __init__(self) -> None:
        super().__init__()
        self.table = device_form.table(["AA", "B6"])
        self.vectors = tf.Variable(np.eye(4, dtype=np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="carrier")])
    def serve(self, carrier: tf.Tensor) -> dict[str, tf.Tensor]:
        """The signature."""
        vectors = tf.gather(self.vectors, device_form.lookup(self.table, carrier))
        return {"score": vectors * tf.cast(carrier != "ZZ", tf.float32)[:, None]}


def test_a_string_that_is_used_without_its_id_is_refused(tmp_path: Path) -> None:
    module = Comparing()
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures={"serving_default": module.serve})
    with pytest.raises(PipelineError, match=r"string inputs carrier: expected every use.*Received: NOT_EQUAL"):
        ids_form(converted(tmp_path / "saved"))


class Unlooked(tf.Module):
    """A model that looks nothing up by its string."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="carrier")])
    def serve(self, carrier: tf.Tensor) -> dict[str, tf.Tensor]:
        """The signature."""
        return {"score": tf.cast(carrier != "ZZ", tf.float32)[:, None]}


def test_a_string_without_a_lookup_is_refused(tmp_path: Path) -> None:
    module = Unlooked()
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures={"serving_default": module.serve})
    with pytest.raises(PipelineError, match=r"input 'carrier': expected one tensor of ids.*Received: 0"):
        ids_form(converted(tmp_path / "saved"))


def test_another_signature_is_refused(int8: Path) -> None:
    model = model_io.read(int8.read_bytes())
    model.signatureDefs[0].signatureKey = b"predict"
    with pytest.raises(InputError, match=r"expected one signature, 'serving_default'\. Received: predict"):
        ids_form(model_io.write(model))


def test_a_term_with_a_zero_byte_is_unseen_in_the_packed_form(
    int8: Path, rows: Columns, vocabularies: dict[str, Vocabulary]
) -> None:
    carriers = vocabularies["carrier"]
    first = carriers.terms[0]
    broken = Vocabulary((first + b"\0", *carriers.terms[1:]), *astuple(carriers)[1:])
    known = vocabularies | {"carrier": broken}
    made = static_batch(packed_form(int8.read_bytes(), known), 1)
    some = {name: values[:3].copy() for name, values in rows.items()}
    some["carrier"][:] = [first + b"\0", b"never seen", carriers.terms[1]]
    as_unseen = {**some, "carrier": np.array([b"never seen", b"never seen", carriers.terms[1]], object)}

    found = answers(made, as_packed(some, known))

    np.testing.assert_array_equal(found, DeviceModel(int8).predict(as_unseen, 1))


def test_a_batch_of_no_rows_and_a_raw_form_are_refused(int8: Path) -> None:
    with pytest.raises(InputError, match=r"rows: expected 1 or more\. Received: 0"):
        static_batch(ids_form(int8.read_bytes()), 0)
    with pytest.raises(InputError, match=r"expected an ids or packed form\. Received one with strings: carrier, tail"):
        static_batch(int8.read_bytes(), 1)


def test_columns_of_another_form_are_refused(
    forms: dict[str, Forms], rows: Columns, vocabularies: dict[str, Vocabulary]
) -> None:
    packed = as_packed(rows, vocabularies)
    with pytest.raises(InputError, match=r"column 'carrier': expected int32 \['N'\]. Received: int32 \[2000, 1\]"):
        answers(forms["int8"].ids, packed)
    with pytest.raises(InputError, match=r"expected the columns \['carrier'.*Received: \['hour'\]"):
        answers(forms["int8"].ids, {"hour": packed["hour"]})


def test_forms_are_written_in_the_place_of_the_raw_file(
    int8: Path, vocabularies: dict[str, Vocabulary], tmp_path: Path
) -> None:
    card = CARD.model_copy(update={"variant": "int8"})
    shutil.copy(int8, tmp_path / "int8.tflite")
    first = write_forms(tmp_path / "int8.tflite", tmp_path, vocabularies, card)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(files) == ["int8.ids.tflite", "int8.packed.tflite", "int8.tflite"]
    assert first.sizes == {"raw": len(files["int8.tflite"])} | {
        form: len(files[f"int8.{form}.tflite"]) for form in ("ids", "packed")
    }
    write_forms(first.raw, tmp_path, vocabularies, card)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files
