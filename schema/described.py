"""What a problem's columns mean, read from its schema.pbtxt: for people, and for a form that they fill in."""

from dataclasses import dataclass
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2

# An annotation's tag that begins so names the unit: `annotation { tag: "unit: mph" comment: "at the origin, mph" }`.
UNIT_TAG = "unit:"

# Below it a float tells every integer from the next.
_EXACT = 2**53


@dataclass(frozen=True)
class Described:
    """One column.

    Attributes:
        description: the annotation's comment, without the unit at its end.
        unit: of the values; empty where they have none, or nobody has said so.
        minimum: smallest value of the domain, in the unit; None where it has no such end.
        maximum: likewise the largest.
    """

    description: str = ""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None


def described(schema: schema_pb2.Schema) -> dict[str, Described]:
    """What is said of each column, by name, in the schema's order."""
    return {feature.name: _described(feature) for feature in schema.feature}


def in_digits(value: float) -> str:
    """A value as people read it: a whole one with all its digits, such as a date's, any other with six.

    A float counts as whole too, since statistics have integers as floats.
    """
    whole = isinstance(value, int) or (value.is_integer() and abs(value) < _EXACT)
    return str(int(value)) if whole else f"{value:g}"


def _described(feature: schema_pb2.Feature) -> Described:
    unit = next((tag[len(UNIT_TAG) :].strip() for tag in feature.annotation.tag if tag.startswith(UNIT_TAG)), "")
    comment = " ".join(" ".join(feature.annotation.comment).split())
    kind = feature.WhichOneof("domain_info")
    if kind not in ("int_domain", "float_domain"):
        return Described(_without(comment, unit), unit)
    domain = getattr(feature, kind)
    minimum, maximum = (_end(domain, name) for name in ("min", "max"))
    return Described(_without(comment, unit), unit, minimum, maximum)


def _end(domain: Any, name: str) -> float | None:
    if not domain.HasField(name):  # an end that is not set reads as 0
        return None
    end: int | float = getattr(domain, name)
    # Seven digits are what a float32, as a float_domain has it, was written with.
    return end if isinstance(end, int) else float(f"{end:.7g}")


def _without(comment: str, unit: str) -> str:
    """The comment without the unit that a reader of the bare schema finds at its end."""
    return comment.removesuffix(unit).rstrip().removesuffix(",") if unit else comment
