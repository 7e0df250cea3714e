"""The typed columns of a problem's raw rows, read from its schema.pbtxt."""

from collections.abc import Mapping
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
    """One raw column: its type, for integers the domain's ends (both inclusive), for strings the domain's values."""

    name: str
    kind: Kind
    minimum: int | None = None
    maximum: int | None = None
    values: tuple[str, ...] = ()


def read_schema(path: Path) -> schema_pb2.Schema:
    """The schema in a text proto file.

    Raises:
        InputError: if the file cannot be read or is not a schema; names the line.
    """
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), schema_pb2.Schema())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a schema: {error}") from None


def columns(schema: schema_pb2.Schema) -> dict[str, Column]:
    """The schema's columns by name, in its order.

    Raises:
        InputError: naming the feature that has no name, is given twice, or is of a type that no column has.
    """
    found: dict[str, Column] = {}
    shared = {domain.name: tuple(domain.value) for domain in schema.string_domain}
    for feature in schema.feature:
        _check(feature, found)
        domain = feature.int_domain
        found[feature.name] = Column(
            name=feature.name,
            kind=_KINDS[feature.type],
            # An end that is not set reads as 0.
            minimum=domain.min if domain.HasField("min") else None,
            maximum=domain.max if domain.HasField("max") else None,
            values=shared.get(feature.domain, tuple(feature.string_domain.value)),
        )
    return found


def _check(feature: schema_pb2.Feature, before: Mapping[str, Column]) -> None:
    if not feature.name:
        raise InputError(f"schema.pbtxt: a feature without a name, after {', '.join(before) or 'none'}")
    if feature.name in before:
        raise InputError(f"schema.pbtxt: feature '{feature.name}' is given twice")
    if feature.type not in _KINDS:
        received = schema_pb2.FeatureType.Name(feature.type)
        raise InputError(
            f"schema.pbtxt: feature '{feature.name}': expected type BYTES, INT or FLOAT. Received: {received}"
        )
