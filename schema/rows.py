"""The typed columns of a problem's raw rows, read from its schema.pbtxt."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from schema.errors import InputError

SERVING = "SERVING"
TRAINING = "TRAINING"


class Kind(StrEnum):
    """The type of a column, in tf.Example's three."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"


_KINDS = {schema_pb2.BYTES: Kind.STRING, schema_pb2.INT: Kind.INTEGER, schema_pb2.FLOAT: Kind.NUMBER}


@dataclass(frozen=True)
class Column:
    """One raw column: its type, and for integers the domain's ends (both inclusive)."""

    name: str
    kind: Kind
    minimum: int | None = None
    maximum: int | None = None


def read_schema(path: Path) -> schema_pb2.Schema:
    """The schema in a text proto file.

    Raises:
        InputError: if the file is absent or not a schema; names the line.
    """
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), schema_pb2.Schema())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a schema: {error}") from None


def columns(schema: schema_pb2.Schema) -> dict[str, Column]:
    """The schema's columns by name, in its order."""
    found: dict[str, Column] = {}
    for feature in schema.feature:
        bounded = feature.HasField("int_domain")
        found[feature.name] = Column(
            name=feature.name,
            kind=_KINDS[feature.type],
            minimum=feature.int_domain.min if bounded else None,
            maximum=feature.int_domain.max if bounded else None,
        )
    return found
