"""The forms of every variant of the small device form, made once."""

from pathlib import Path

import numpy as np
import pytest

from edge.convert.converter import Converted
from edge.forms.metadata_card import Card, CardFeature
from edge.forms.vocabulary import Vocabulary, observe
from edge.forms.writer import Forms, write_forms
from edge.runtime.litert_model import Array, Columns
from schema.rows import Kind
from tests.edge import device_form

TERMS = {
    "carrier": [name.encode() for name in device_form.CARRIERS],
    "tail": [name.encode() for name in device_form.tails()],
}
DOMAINS = {"hour": (0, 23)}

CARD = Card(
    problem="flights",
    title="Will it be late?",
    variant="none",
    form="none",
    label="late",
    threshold=0.5,
    features=(
        CardFeature(name="carrier", kind=Kind.STRING, description="code of the airline"),
        CardFeature(name="tail", kind=Kind.STRING),
        CardFeature(name="hour", kind=Kind.INTEGER, description="of departure", unit="h"),
        CardFeature(name="distance", kind=Kind.NUMBER, unit="miles"),
        CardFeature(name="pressure", kind=Kind.NUMBER, description="at sea level, mean", unit="hPa"),
    ),
    data_window="2013-01-01 to 2013-12-31",
)


@pytest.fixture(scope="session")
def vocabularies(variants: dict[str, Converted]) -> dict[str, Vocabulary]:
    """The ids of carriers and tails."""
    return observe(variants["float32"].path.read_bytes(), TERMS)


@pytest.fixture(scope="session")
def forms(
    variants: dict[str, Converted], vocabularies: dict[str, Vocabulary], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Forms]:
    """The forms of each variant, for one row."""
    folder = tmp_path_factory.mktemp("forms")
    return {
        name: write_forms(made.path, folder, vocabularies, CARD.model_copy(update={"variant": name}))
        for name, made in variants.items()
    }


@pytest.fixture(scope="session")
def rows() -> Columns:
    """2,000 rows with missing and unseen values, the first of them with strings that are nearly terms."""
    found: dict[str, Array] = device_form.rows(2000, seed=11)
    hard = {
        "carrier": [b"A", b"AA ", b"aa", b"\0", b"AA\0", b"AAAA", b"AAAAA", b"AA\xff", "é".encode(), b"\xff" * 4],
        "tail": [
            b"N0000",
            b"N00001x",
            b"N00001xx",
            b"N00001xxx" * 9,
            b"N00001\0",
            "N0000é".encode(),
            b"\xff" * 8,
            b"00001",
        ],
    }
    for name, strings in hard.items():
        found[name][: len(strings)] = np.array(strings, object)
    return found


@pytest.fixture
def int8(variants: dict[str, Converted]) -> Path:
    """The raw form of the int8 variant."""
    return variants["int8"].path


@pytest.fixture
def saved_raw(int8: Path) -> bytes:
    """The content of the raw int8 variant, without metadata of ours."""
    return int8.read_bytes()
