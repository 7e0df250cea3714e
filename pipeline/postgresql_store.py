"""ML Metadata on PostgreSQL, with backslashes.

ml-metadata 1.17.1 has libpq escape a text, takes one character off each end and puts quotes around it
(postgresql_metadata_source.cc, EscapeString). libpq escapes a text that has a backslash as E'...', so what is left is
no SQL any more. JSON within JSON is full of them, such as a Trainer's custom_config.
"""

from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from ml_metadata.metadata_store.metadata_store import MetadataStore

# ASCII's SUBSTITUTE, which no JSON and no path has, and a letter: one for a backslash, one for the character itself.
_SUBSTITUTE = "\x1a"
_STAND_INS = ((_SUBSTITUTE, f"{_SUBSTITUTE}s"), ("\\", f"{_SUBSTITUTE}b"))


class PostgresqlStore(MetadataStore):
    """Puts two other characters into the database for each backslash, and takes them back on reading."""

    def _pywrap_cc_call(self, method: Any, request: Any, response: Any) -> None:
        written = type(request)()
        written.CopyFrom(request)
        _change_texts(written, without_backslashes)
        super()._pywrap_cc_call(method, written, response)
        _change_texts(response, with_backslashes)


def without_backslashes(text: str) -> str:
    """The text as it is kept."""
    for plain, kept in _STAND_INS:
        text = text.replace(plain, kept)
    return text


def with_backslashes(text: str) -> str:
    """The text that is kept so."""
    for plain, kept in reversed(_STAND_INS):
        text = text.replace(kept, plain)
    return text


def _change_texts(message: Message, change: Callable[[str], str]) -> None:
    """Changes every text in the message, those of messages in it included; keys of mappings stay."""
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            _change_mapping(field.message_type.fields_by_name["value"], value, change)
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            for held in value if field.is_repeated else [value]:
                _change_texts(held, change)
        elif field.type == FieldDescriptor.TYPE_STRING:
            if field.is_repeated:
                value[:] = [change(text) for text in value]
            else:
                setattr(message, field.name, change(value))


def _change_mapping(held: FieldDescriptor, values: Any, change: Callable[[str], str]) -> None:
    for key in values:
        if held.type == FieldDescriptor.TYPE_MESSAGE:
            _change_texts(values[key], change)
        elif held.type == FieldDescriptor.TYPE_STRING:
            values[key] = change(values[key])
