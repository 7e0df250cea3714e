"""The base of every config record: frozen, strict, closed, with errors that name the key and the nearest one."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from schema.errors import InputError


class Closed(BaseModel):
    """A frozen record that refuses unknown keys and does not coerce types."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], where: str) -> Self:
        """Validates `values`, read from `where` (a file or a flag, for the message).

        Raises:
            InputError: with the key's path, what was received and what would be right.
        """
        try:
            # JSON mode lets YAML's lists be tuples and its strings be enums, and nothing else.
            return cls.model_validate_json(yaml_to_json(values))
        except ValidationError as error:
            lines = [f"{where}: {explain(cls, detail)}" for detail in error.errors(include_url=False)]
            raise InputError("\n".join(lines)) from None


def yaml_to_json(values: Any) -> str:
    """JSON text of what YAML gave."""
    import json

    return json.dumps(values, default=str)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        InputError: if the file is absent, is not YAML, or holds no mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not readable as YAML: {error}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected a mapping of keys. Received: {type(values).__name__}")
    return values


def explain(model: type[BaseModel], detail: Mapping[str, Any]) -> str:
    """One sentence for one pydantic error detail."""
    location = [str(part) for part in detail["loc"]]
    key = ".".join(location)
    if detail["type"] == "extra_forbidden":
        known = known_keys(model, location[:-1])
        return f"unknown key '{key}'.{nearest(location[-1], known)}"
    if detail["type"] == "missing":
        return f"missing key '{key}'."
    return f"key '{key}': {detail['msg']}. Received: {detail['input']!r}"


def nearest(name: str, known: list[str]) -> str:
    """A hint that names the closest known key, or the keys there are."""
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f" Did you mean '{close[0]}'?"
    return f" Known keys: {', '.join(sorted(known))}." if known else ""


def known_keys(model: type[BaseModel], path: list[str]) -> list[str]:
    """Names of the fields of the record that lies at `path` below `model`; empty if `path` leads elsewhere."""
    current: Any = model
    for part in path:
        field = current.model_fields.get(part) if _is_record(current) else None
        annotation = field.annotation if field else current
        records = [a for a in (annotation, *_flatten(annotation)) if _is_record(a)]
        if not records:
            return []
        current = records[0]
    return list(current.model_fields)


def _flatten(annotation: Any) -> list[Any]:
    found: list[Any] = []
    for argument in get_args(annotation):
        found += [argument, *_flatten(argument)]
    return found


def _is_record(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
