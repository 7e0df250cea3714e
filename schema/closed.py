"""The base of every config record: frozen, strict, closed, with errors that name the key and the nearest one."""

import difflib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from schema.errors import InputError

# To pydantic a list in YAML is an array in JSON, and a tuple in the record.
_NO_LIST = ("tuple_type", "list_type")


class Closed(BaseModel):
    """A frozen record that refuses unknown keys, does not coerce types, and holds no NaN and no infinity."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], where: str) -> Self:
        """Validates `values`, read from `where` (a file or a flag, for the message).

        Raises:
            InputError: with the key's path, what was received and what would be right.
        """
        try:
            # JSON mode lets YAML's lists be tuples and its strings be enums, and nothing else.
            return cls.model_validate_json(json.dumps(values, default=str))
        except ValidationError as error:
            lines = [f"{where}: {explain(cls, detail)}" for detail in error.errors(include_url=False)]
            raise InputError("\n".join(lines)) from None


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, but that 1e-3 is a number, and that keys are strings, none of them given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        given: set[str] = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.tag != "tag:yaml.org,2002:str":
                raise _refused(key, f"a key must be a string, in quotes if need be. Received: {key.value}")
            if key.value in given:
                raise _refused(key, f"key '{key.value}' is given twice")
            given.add(key.value)
        return super().construct_mapping(node, deep=deep)


# As in YAML 1.2; to YAML 1.1 it is a string unless it has a point and a sign.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def _refused(key: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, key.start_mark)


def load_yaml(text: str) -> Any:
    """The value that the text stands for.

    Raises:
        yaml.YAMLError: if it is not YAML, or a key is given twice or is no string; see yaml_fault.
    """
    return yaml.load(text, Loader=_Loader)  # noqa: S506 (a subclass of the safe loader)


def yaml_fault(error: yaml.YAMLError) -> tuple[int, str]:
    """The line and what is wrong there, in a line of its own."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return 1, " ".join(str(error).split())
    return error.problem_mark.line + 1, ", ".join(part for part in (error.context, error.problem) if part)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        InputError: if the file cannot be read, is not YAML, or holds no mapping.
    """
    try:
        values = load_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not readable as YAML: not UTF-8: {error.reason}") from None
    except yaml.YAMLError as error:
        line, fault = yaml_fault(error)
        raise InputError(f"{path}:{line}: not readable as YAML: {fault}") from None
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
    if detail["type"] == "value_error":
        # A record's own check: its sentence says what was received, and the whole record would hide it.
        return f"key '{key}': {detail['ctx']['error']}" if key else str(detail["ctx"]["error"])
    expected = _list_for(detail["input"]) if detail["type"] in _NO_LIST else detail["msg"]
    return f"key '{key}': {expected}. Received: {detail['input']!r}"


def _list_for(received: Any) -> str:
    """What is expected in place of a value that is no list: of a lone one, the list that has it."""
    lone = isinstance(received, str | int | float) and not isinstance(received, bool)
    return f"expected a list, such as [{received}]" if lone else "expected a list"


def nearest(name: str, known: list[str], *, called: str = "Known keys") -> str:
    """A hint that names the closest one of those known, or all there are under what they are called."""
    folded = {key.casefold(): key for key in known}
    close = difflib.get_close_matches(name.casefold(), list(folded), n=1)
    if close:
        return f" Did you mean '{folded[close[0]]}'?"
    return f" {called}: {', '.join(sorted(known))}." if known else ""


def known_keys(model: type[BaseModel], path: list[str]) -> list[str]:
    """Names of the fields of the record that lies at `path` below `model`; empty if `path` leads elsewhere."""
    current: Any = model
    for part in path:
        if _is_record(current):
            field = current.model_fields.get(part)
            current = field.annotation if field else None
        else:
            # `part` is a key of a mapping or a place in a list, whatever it is called.
            current = next((held for held in get_args(current) if _is_record(held)), None)
    return list(current.model_fields) if _is_record(current) else []


def _is_record(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
