"""Ids as the file gives them, and raw columns turned into them."""

import json
from pathlib import Path

import numpy as np
import pytest

from edge.forms.columns import as_ids, as_packed
from edge.forms.vocabulary import Vocabulary, as_json, observe
from schema.errors import InputError, PipelineError
from tests.edge.forms.conftest import TERMS


def test_ids_are_read_from_the_file(vocabularies: dict[str, Vocabulary]) -> None:
    # The small device form has 0 for unseen and 1 for missing strings; a trained one has them the other way round.
    carrier = vocabularies["carrier"]
    assert (carrier.unseen_id, carrier.missing_id, carrier.first_term_id, carrier.words) == (0, 1, 2, 1)
    assert vocabularies["tail"].ids[b"N02999"] == 3001


def test_terms_in_another_order_are_refused(int8: Path) -> None:
    swapped = ["B6", "AA", *(term.decode() for term in TERMS["carrier"][2:])]
    with pytest.raises(
        PipelineError, match=r"vocabulary of 'carrier': expected 8 terms of consecutive ids, b'AA' with"
    ):
        observe(int8.read_bytes(), TERMS | {"carrier": [term.encode() for term in swapped]})


def test_a_term_that_the_file_does_not_know_is_refused(int8: Path) -> None:
    with pytest.raises(
        PipelineError, match=r"b'XX' with 10\. Received: 0 from the file, which gives an unseen string 0"
    ):
        observe(int8.read_bytes(), TERMS | {"carrier": [*TERMS["carrier"], b"XX"]})


def test_terms_must_be_those_of_the_string_inputs(int8: Path) -> None:
    with pytest.raises(InputError, match=r"terms of 'carier': no such string input\. Did you mean 'carrier'\?"):
        observe(int8.read_bytes(), {"carier": [b"AA"]})
    with pytest.raises(InputError, match=r"input 'tail': its terms are missing\. Received those of: carrier"):
        observe(int8.read_bytes(), {"carrier": TERMS["carrier"]})


def test_vocab_json_has_what_a_client_needs() -> None:
    table = json.loads(as_json({"origin": Vocabulary((b"JFK", "Zürich".encode(), b"\xff"), 0, 1, 2)}))
    assert table == {
        "origin": {
            "terms": ["JFK", "Zürich", "\udcff"],
            "words": 2,
            "missing_id": 0,
            "unseen_id": 1,
            "first_term_id": 2,
        }
    }


def test_raw_columns_become_ids_and_words() -> None:
    known = {"origin": Vocabulary((b"JFK", b"LGA"), 0, 1, 2)}
    raw = {
        "origin": np.array([b"LGA", b"", b"JFKX", b"JFK"], object),
        "hour": np.array([5, -1, 2**31 - 1, -(2**31)], np.int64),
        "temp": np.array([1.5, np.nan, 0, 0], np.float32),
    }
    ids, packed = as_ids(raw, known), as_packed(raw, known)
    assert ids["origin"].tolist() == [3, 0, 1, 2]
    assert packed["origin"].tolist() == [[0x41474C], [0], [0x584B464A], [0x4B464A]]
    for columns in (ids, packed):
        assert columns["origin"].dtype == columns["hour"].dtype == np.int32
        assert columns["hour"].tolist() == raw["hour"].tolist()
        np.testing.assert_array_equal(columns["temp"], raw["temp"])
    fixed = as_ids({"origin": raw["origin"].astype("S")}, known)
    assert fixed["origin"].tolist() == [3, 0, 1, 2]


def test_what_the_forms_cannot_hold_is_refused() -> None:
    with pytest.raises(InputError, match=r"column 'hour': expected integers of 32 bits, .*Received: 2147483648"):
        as_ids({"hour": np.array([5, 2**31], np.int64)}, {})
    with pytest.raises(InputError, match=r"column 'origin': no vocabulary\. Received those of: dest"):
        as_packed({"origin": np.array([b"JFK"], object)}, {"dest": Vocabulary((), 0, 1, 2)})


def test_the_empty_string_is_missing_even_among_terms() -> None:
    assert Vocabulary((b"", b"JFK"), 0, 1, 2).ids == {b"": 0, b"JFK": 3}
