"""The record that LiteRT's tools show of a file: a ModelMetadata flatbuffer.

Field numbers and the identifier are those of metadata_schema.fbs in tflite-support, version 1.0.0 of the record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
from flatbuffers.number_types import UOffsetTFlags
from flatbuffers.table import Table

_IDENTIFIER = b"M001"
_PARSER = "1.0.0"
# The tables' numbers of fields, and the places of the fields in use.
_MODEL_FIELDS, _GRAPH_FIELDS, _TENSOR_FIELDS = 8, 7, 7
_NAME, _DESCRIPTION, _VERSION, _GRAPHS, _MIN_PARSER = 0, 1, 2, 3, 7
_INPUTS, _OUTPUTS = 2, 3


@dataclass(frozen=True)
class Standard:
    """A model's name, description and version, and the descriptions of its inputs and outputs by their names.

    Inputs and outputs are in the order of the graph's.
    """

    name: str
    description: str
    version: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


def write(record: Standard) -> bytes:
    """The record as bytes."""
    builder = flatbuffers.Builder(1024)
    sides = {_INPUTS: record.inputs, _OUTPUTS: record.outputs}
    tensors = {
        field: _vector(builder, [_tensor(builder, *end) for end in ends.items()]) for field, ends in sides.items()
    }
    graphs = _vector(builder, [_table(builder, _GRAPH_FIELDS, tensors)])
    texts = {
        _NAME: record.name,
        _DESCRIPTION: record.description,
        _VERSION: record.version,
        _MIN_PARSER: _PARSER,
    }
    strings = {field: builder.CreateString(text) for field, text in texts.items()}
    builder.Finish(_table(builder, _MODEL_FIELDS, strings | {_GRAPHS: graphs}), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def read(data: bytes) -> Standard:
    """The record that `write` wrote."""
    root = _root(data)
    main = _tables(root, _GRAPHS)[0]
    inputs, outputs = (
        {_text(end, _NAME): _text(end, _DESCRIPTION) for end in _tables(main, field)} for field in (_INPUTS, _OUTPUTS)
    )
    return Standard(_text(root, _NAME), _text(root, _DESCRIPTION), _text(root, _VERSION), inputs, outputs)


def version_place(data: bytes) -> int:
    """Where the text of the version begins."""
    return _place(_root(data), _VERSION)[0]


def _tensor(builder: Any, name: str, description: str) -> int:
    texts = {_NAME: name} | ({_DESCRIPTION: description} if description else {})
    return _table(builder, _TENSOR_FIELDS, {field: builder.CreateString(text) for field, text in texts.items()})


def _table(builder: Any, fields: int, offsets: Mapping[int, int]) -> int:
    builder.StartObject(fields)
    for field, offset in offsets.items():
        builder.PrependUOffsetTRelativeSlot(field, offset, 0)
    return int(builder.EndObject())


def _vector(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(UOffsetTFlags.bytewidth, len(offsets), UOffsetTFlags.bytewidth)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _root(data: bytes) -> Any:
    return Table(data, flatbuffers.encode.Get(flatbuffers.packer.uoffset, data, 0))


def _field(table: Any, field: int) -> int:
    """Place in the table of a field's offset, 0 where it is absent; the first stands behind 4 bytes of the vtable."""
    return int(table.Offset(4 + 2 * field))


def _tables(table: Any, field: int) -> list[Any]:
    found = _field(table, field)
    first = table.Vector(found)
    places = range(first, first + table.VectorLen(found) * UOffsetTFlags.bytewidth, UOffsetTFlags.bytewidth)
    return [Table(table.Bytes, table.Indirect(place)) for place in places]


def _text(table: Any, field: int) -> str:
    start, end = _place(table, field)
    return bytes(table.Bytes[start:end]).decode("utf-8")


def _place(table: Any, field: int) -> tuple[int, int]:
    found = _field(table, field)
    if not found:
        return 0, 0
    start = int(table.Vector(found))  # a string is a vector of bytes
    return start, start + int(table.VectorLen(found))
