"""A file's metadata: the standard record that LiteRT's tools show, and the model card beside it."""

import json

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge.flatbuffer import model_io
from edge.flatbuffer.strip_metadata import slim
from edge.forms import litert_metadata_record
from edge.forms.embedding_inputs import inputs
from edge.forms.metadata_card import PLACEHOLDER, Card, CardFeature
from schema.errors import InputError
from schema.rows import Kind
from schema.signatures import DEVICE_SCORE

# Names of the two entries; the first is tflite-support's.
STANDARD = "TFLITE_METADATA"
DEVICE_CARD = "DEVICE_MODEL_CARD"

# Keys of the card's entry that list the features of a kind; all others are numbers.
_LISTS = {Kind.STRING: "strings", Kind.INTEGER: "integers"}

_VERSION_KEY = b'"version":"'


def with_metadata(content: bytes, card: Card) -> bytes:
    """The same model with both entries, in place of any it had.

    Nothing but the version is stored twice, since that would be a hundredth of a small file. The standard record has
    the problem's name and title, and each input's name and "description [unit]"; the card's entry has the rest as JSON,
    with the names of the inputs of strings and of integers.

    Raises:
        InputError: if the card's features are not the file's inputs.
    """
    model = model_io.read(content)
    features = {feature.name: feature for feature in card.features}
    names = list(inputs(model).all)
    if features.keys() != set(names):
        raise InputError(f"card: expected the features {', '.join(names)}. Received: {', '.join(features)}")
    record = litert_metadata_record.Standard(
        name=card.problem,
        description=card.title,
        version=card.version,
        inputs={name: _told(features[name]) for name in names},
        outputs={DEVICE_SCORE: card.label},
    )
    entries = {STANDARD: litert_metadata_record.write(record), DEVICE_CARD: _compact(card)}
    model.metadata = [entry for entry in model.metadata or () if entry.name.decode() not in entries]
    for name, data in entries.items():
        buffer, entry = schema.BufferT(), schema.MetadataT()
        buffer.data = np.frombuffer(data, np.uint8)
        model.buffers.append(buffer)
        entry.name, entry.buffer = name.encode(), len(model.buffers) - 1
        model.metadata.append(entry)
    return slim(model_io.write(model))


def read_card(content: bytes) -> Card:
    """The card that `with_metadata` wrote, its features in the order of the graph's inputs.

    Raises:
        InputError: if the file has none.
    """
    values, record = json.loads(_entry(content, DEVICE_CARD)), litert_metadata_record.read(_entry(content, STANDARD))
    kinds = {name: kind for kind, key in _LISTS.items() for name in values.pop(key, ())}
    features = [
        {"name": name, "kind": kinds.get(name, Kind.NUMBER), **_split(told)} for name, told in record.inputs.items()
    ]
    texts = {"problem": record.name, "title": record.description, "features": features}
    return Card.from_mapping(values | texts, DEVICE_CARD)


def stamped(content: bytes, version: str) -> bytes:
    """The same file, of the same length, with this version in both entries.

    Raises:
        InputError: if the version is not ten digits, or the file has no card.
    """
    if len(version) != len(PLACEHOLDER) or not (version.isascii() and version.isdigit()):
        raise InputError(f"version: expected {len(PLACEHOLDER)} digits. Received: {version!r}")
    written = bytearray(content)
    record, card = _entry(content, STANDARD), _entry(content, DEVICE_CARD)
    # In JSON's strings a quote is escaped, so the key is where its bytes are.
    places = [
        (record, litert_metadata_record.version_place(record)),
        (card, card.index(_VERSION_KEY) + len(_VERSION_KEY)),
    ]
    for entry, place in places:
        start = content.index(entry) + place
        written[start : start + len(version)] = version.encode("ascii")
    return bytes(written)


def _told(feature: CardFeature) -> str:
    return f"{feature.description} [{feature.unit}]".strip() if feature.unit else feature.description


def _split(told: str) -> dict[str, str]:
    """The description and the unit of what `_told` gave."""
    text, bracket, unit = told.removesuffix("]").rpartition("[")
    return {"description": text.strip(), "unit": unit} if bracket and told.endswith("]") else {"description": told}


def _compact(card: Card) -> bytes:
    values = card.model_dump(mode="json", exclude={"problem", "title", "features"}, exclude_defaults=True)
    values |= {key: [each.name for each in card.features if each.kind is kind] for kind, key in _LISTS.items()}
    values["version"] = card.version
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _entry(content: bytes, name: str) -> bytes:
    model = model_io.read(content)
    for entry in model.metadata or ():
        if entry.name.decode() == name:
            return np.asarray(model.buffers[entry.buffer].data, np.uint8).tobytes()
    raise InputError(f"expected a file with metadata entry '{name}', as every device variant has. Received: none")
