"""Metadata: read back whole, stamped without moving a byte, and small."""

import json
import struct

import numpy as np
import pytest

from edge.flatbuffer import model_io
from edge.forms import litert_metadata_record
from edge.forms.answers import answers
from edge.forms.columns import as_ids
from edge.forms.metadata import DEVICE_CARD, STANDARD, read_card, stamped, with_metadata
from edge.forms.metadata_card import Card, CardFeature
from edge.forms.vocabulary import Vocabulary
from edge.forms.writer import Forms
from edge.runtime.litert_model import Columns
from schema.errors import InputError
from schema.rows import Kind
from tests.edge.forms.conftest import CARD


def test_every_form_has_its_card(forms: dict[str, Forms]) -> None:
    for variant, made in forms.items():
        for form, path in (("raw", made.raw), ("ids", made.ids), ("packed", made.packed)):
            found = read_card(path.read_bytes())
            assert found == CARD.model_copy(update={"variant": variant, "form": form, "features": found.features})
            assert sorted(found.features, key=_name) == sorted(CARD.features, key=_name)


def _name(feature: CardFeature) -> str:
    return feature.name


def test_the_standard_record_describes_inputs_in_the_graphs_order(forms: dict[str, Forms]) -> None:
    content = forms["int8"].ids.read_bytes()
    record = litert_metadata_record.read(_entry(content, STANDARD))
    assert (record.name, record.description, record.version) == ("flights", "Will it be late?", "0000000000")
    assert record.inputs["hour"] == "of departure [h]"
    assert record.inputs["distance"] == "[miles]"
    assert record.inputs["tail"] == ""
    assert record.outputs == {"score": "late"}
    model = model_io.read(content)
    names = {entry.tensorIndex: entry.name.decode() for entry in model.signatureDefs[0].inputs}
    assert list(record.inputs) == [names[int(index)] for index in model.subgraphs[0].inputs]


def test_the_fields_are_those_of_the_schema() -> None:
    """Read by hand: in metadata_schema.fbs, `version` is ModelMetadata's field 2, and so on down to an input's name."""
    data = litert_metadata_record.write(
        litert_metadata_record.Standard("a", "b", "0123456789", {"x": "°F", "y": ""}, {"score": "late"})
    )
    assert data[4:8] == b"M001"
    root = _follow(data, 0)
    assert [_text(data, _follow(data, _slot(data, root, field))) for field in (0, 1, 2, 7)] == [
        "a",
        "b",
        "0123456789",
        "1.0.0",
    ]
    main = _follow(data, _follow(data, _slot(data, root, 3)) + 4)
    score = _follow(data, _follow(data, _slot(data, main, 3)) + 4)
    first = _follow(data, _follow(data, _slot(data, main, 2)) + 4)
    assert [_text(data, _follow(data, _slot(data, first, field))) for field in (0, 1)] == ["x", "°F"]
    assert [_text(data, _follow(data, _slot(data, score, field))) for field in (0, 1)] == ["score", "late"]


def _follow(data: bytes, place: int) -> int:
    return place + struct.unpack_from("<I", data, place)[0]


def _slot(data: bytes, table: int, field: int) -> int:
    vtable = table - struct.unpack_from("<i", data, table)[0]
    return table + struct.unpack_from("<H", data, vtable + 4 + 2 * field)[0]


def _text(data: bytes, place: int) -> str:
    return data[place + 4 : place + 4 + struct.unpack_from("<I", data, place)[0]].decode()


def test_a_stamp_changes_the_version_and_nothing_else(
    forms: dict[str, Forms], rows: Columns, vocabularies: dict[str, Vocabulary]
) -> None:
    content = forms["int8"].ids.read_bytes()
    released = stamped(content, "1795740553")
    assert len(released) == len(content)
    assert read_card(released) == read_card(content).model_copy(update={"version": "1795740553"})
    assert litert_metadata_record.read(_entry(released, STANDARD)).version == "1795740553"
    assert stamped(released, "0000000000") == content
    some = as_ids({name: values[:20] for name, values in rows.items()}, vocabularies)
    np.testing.assert_array_equal(answers(released, some), answers(content, some))


@pytest.mark.parametrize("version", ["1", "", "12345678901", "123456789x", "١٢٣٤٥٦٧٨٩٠"])
def test_a_version_that_is_not_ten_digits_is_refused(version: str, forms: dict[str, Forms]) -> None:
    with pytest.raises(InputError, match=r"version: expected 10 digits\. Received: "):
        stamped(forms["int8"].ids.read_bytes(), version)


def test_a_file_without_a_card_is_refused(saved_raw: bytes) -> None:
    for ask in (read_card, lambda content: stamped(content, "0123456789")):
        with pytest.raises(InputError, match="expected a file with metadata entry"):
            ask(saved_raw)


def test_a_card_of_other_features_is_refused(saved_raw: bytes) -> None:
    card = CARD.model_copy(update={"features": CARD.features[1:]})
    with pytest.raises(InputError, match=r"card: expected the features .*carrier.*Received: tail, hour"):
        with_metadata(saved_raw, card)


def test_metadata_replaces_what_there_was(forms: dict[str, Forms]) -> None:
    content = forms["int8"].raw.read_bytes()
    again = with_metadata(content, read_card(content))
    assert again == content
    names = [entry.name for entry in model_io.read(again).metadata]
    assert len(names) == len(set(names))


def test_it_is_small(saved_raw: bytes) -> None:
    assert len(with_metadata(saved_raw, CARD)) - len(saved_raw) < 1000


def test_units_may_not_hold_brackets() -> None:
    with pytest.raises(ValueError, match="description"):
        CardFeature(name="x", kind=Kind.NUMBER, description="of departure [h]")


def test_classes_and_texts_of_any_language_come_back(saved_raw: bytes) -> None:
    card = Card.model_validate(
        CARD.model_dump() | {"title": 'Zu "spät"? {é}', "classes": ("früh", "spät"), "threshold": None}
    )
    found = read_card(with_metadata(saved_raw, card))
    assert found.title == 'Zu "spät"? {é}'
    assert found.threshold is None
    assert found.classes == ("früh", "spät")


def _entry(content: bytes, name: str) -> bytes:
    model = model_io.read(content)
    return next(
        np.asarray(model.buffers[entry.buffer].data, np.uint8).tobytes()
        for entry in model.metadata
        if entry.name.decode() == name
    )


def test_the_card_is_json(forms: dict[str, Forms]) -> None:
    assert json.loads(_entry(forms["int8"].raw.read_bytes(), DEVICE_CARD)) == {
        "variant": "int8",
        "form": "raw",
        "label": "late",
        "threshold": 0.5,
        "data_window": "2013-01-01 to 2013-12-31",
        "strings": ["carrier", "tail"],
        "integers": ["hour"],
        "version": "0000000000",
    }
