"""ML Metadata on PostgreSQL, with backslashes, and in the order that was asked for.

ml-metadata 1.17.1 has libpq escape a text, takes one character off each end and puts quotes around it
(postgresql_metadata_source.cc, EscapeString). libpq escapes a text that has a backslash as E'...', so what is left is
no SQL any more. JSON within JSON is full of them, such as a Trainer's custom_config.

It asks PostgreSQL for the rows of a list of ids without naming an order, and a row that was updated comes later. TFX
takes what comes for the list's: of two outputs that are cached, each would then pass for the other.
"""

from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from ml_metadata.metadata_store.metadata_store import MetadataStore

# ASCII's SUBSTITUTE, which no JSON and no path has, and a letter: one for a backslash, one for the character itself.
_SUBSTITUTE = "\x1a"
_STAND_INS = ((_SUBSTITUTE, f"{_SUBSTITUTE}s"), ("\\", f"{_SUBSTITUTE}b"))


# What a request lists by their ids, and where the response has it.
_LISTED = (("artifact_ids", "artifacts"), ("execution_ids", "executions"), ("context_ids", "contexts"))


class PostgresqlStore(MetadataStore):
    """Puts two other characters into the database for each backslash, and takes them back on reading.

    What is asked for by a list of ids comes in the list's order.
    """

    def _pywrap_cc_call(self, method: Any, request: Any, response: Any) -> None:
        written = type(request)()
        written.CopyFrom(request)
        _change_texts(written, without_backslashes)
        super()._pywrap_cc_call(method, written, response)
        _change_texts(response, with_backslashes)
        _put_in_order(request, response)


def _put_in_order(request: Message, response: Message) -> None:
    for asked, given in _LISTED:
        if asked in request.DESCRIPTOR.fields_by_name and given in response.DESCRIPTOR.fields_by_name:
            places = {number: place for place, number in enumerate(getattr(request, asked))}
            held = getattr(response, given)
            held.sort(key=lambda found, places=places: places[found.id])


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
