"""The configuration reference: a Markdown table of the keys of each config file, made from the records that read them.

Run as `python -m pipeline config` to see it, with `--write README.md` to put it between that file's two
marker lines, or with `--check README.md` to ask whether what stands there is up to date.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from pipeline.config.environment import Environment
from schema.durable import write_file
from schema.errors import InputError, PipelineError
from schema.problem import Problem

BEGIN = "<!-- config reference: begin -->"
END = "<!-- config reference: end -->"
OUT_OF_DATE = 1

# Each config file's path, and the record that reads it.
FILES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("schema/<problem>/problem.yaml", Problem),
    ("pipeline/environments/<environment>.yaml", Environment),
)

_NOUNS = {"string": "text", "boolean": "true or false", "integer": "whole number", "number": "number", "null": "null"}
_PLURALS = {"whole number": "whole numbers", "number": "numbers", "list of": "lists of", "one of": "any of"}
_LOWER = {"minimum": (">=", "["), "exclusiveMinimum": (">", "(")}
_UPPER = {"maximum": ("<=", "]"), "exclusiveMaximum": ("<", ")")}
_ALTERNATIVES = re.compile(r"\^(?:\((\w+(?:\|\w+)*)\)|(\w+))\$")

Shape = Mapping[str, Any]  # one value's JSON Schema, as pydantic writes it


@dataclass(frozen=True)
class Row:
    """One key: its dotted path, its type in words, its default as YAML (None: it must be given), its meaning."""

    key: str
    type: str
    default: str | None
    meaning: str


def rows(record: type[BaseModel]) -> list[Row]:
    """The keys of a record and of the records in it, in the order in which they are declared.

    A section has no row of its own; a mapping of sections has one, and its sections' keys follow under
    `<name>`; so has a list, with `[]`.

    Raises:
        ValueError: naming the key whose type there are no words for, or whose default only a factory knows.
    """
    shape = record.model_json_schema()
    return list(_rows(shape, shape.get("$defs", {}), ""))


def _rows(section: Shape, known: Shape, prefix: str) -> Iterator[Row]:
    needed = section.get("required", ())
    for name, field in section["properties"].items():
        key, shape = prefix + name, _resolved(field, known)
        if "properties" in shape:
            yield from _rows(shape, known, f"{key}.")
            continue
        default = None if name in needed else _default(field, key)
        yield Row(key, _words(shape, known, key), default, field.get("description", ""))
        for inner, below in (("additionalProperties", ".<name>."), ("items", "[].")):
            entry = _resolved(shape.get(inner) or {}, known)
            if "properties" in entry:
                yield from _rows(entry, known, key + below)


def _default(field: Shape, key: str) -> str:
    if "default" not in field:
        raise ValueError(f"config reference: key '{key}': expected a default that is a value. Received: a factory")
    return as_yaml(field["default"])


def _resolved(shape: Shape, known: Shape) -> Shape:
    found: Shape = known[shape["$ref"].rpartition("/")[2]] if "$ref" in shape else shape
    return found


def as_yaml(value: Any) -> str:
    """The value on one line, as it would be written in the file or after `--set key=`."""
    text: str = yaml.safe_dump(value, default_flow_style=True, width=float("inf"))
    return text.strip().removesuffix("\n...")


def _words(shape: Shape, known: Shape, key: str) -> str:
    """A type for people, such as `whole number >= 1` or `list of text`."""
    shape = _resolved(shape, known)
    kind = shape.get("type")
    if "anyOf" in shape:
        return " or ".join(_words(option, known, key) for option in shape["anyOf"])
    if "enum" in shape or "const" in shape:
        return _one_of([str(value) for value in shape.get("enum", [shape.get("const")])])
    if kind == "array" and "properties" in _resolved(shape.get("items", {}), known):
        return f"list of sections{_at_least(shape.get('minItems'))}"
    if kind == "array" and "items" in shape:
        return f"list of {_plural(_words(shape['items'], known, key))}{_at_least(shape.get('minItems'))}"
    if kind == "object" and isinstance(shape.get("additionalProperties"), Mapping):
        entry = _resolved(shape["additionalProperties"], known)
        values = "sections" if "properties" in entry else _plural(_words(entry, known, key))
        return f"mapping of names to {values}{_at_least(shape.get('minProperties'))}"
    if kind == "string" and "pattern" in shape:
        return _fitting(shape["pattern"])
    if kind in _NOUNS:
        return _NOUNS[kind] + _bounds(shape)
    raise ValueError(f"config reference: key '{key}': expected a type that there are words for. Received: {shape}")


def _fitting(pattern: str) -> str:
    alternatives = _ALTERNATIVES.fullmatch(pattern)
    if alternatives is None:
        return f"text that fits `{pattern}`"
    return _one_of((alternatives[1] or alternatives[2]).split("|"))


def _one_of(values: Sequence[str]) -> str:
    return f"one of {', '.join(values)}" if len(values) > 1 else f"only {values[0]}"


def _plural(words: str) -> str:
    for one, many in _PLURALS.items():
        if words.startswith(one):
            return many + words.removeprefix(one)
    return words


def _at_least(count: int | None) -> str:
    return f", {count} or more" if count else ""


def _bounds(shape: Shape) -> str:
    lower = [(*signs, shape[name]) for name, signs in _LOWER.items() if name in shape]
    upper = [(*signs, shape[name]) for name, signs in _UPPER.items() if name in shape]
    if lower and upper:
        (_, opening, least), (_, closing, most) = lower[0], upper[0]
        return f" in {opening}{as_yaml(least)}, {as_yaml(most)}{closing}"
    return "".join(f" {comparison} {as_yaml(end)}" for comparison, _, end in lower + upper)


def table(listed: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    cells = [("key", "type", "default", "meaning"), ("---",) * 4]
    cells += [(f"`{row.key}`", row.type, _default_cell(row.default), row.meaning) for row in listed]
    return "\n".join(f"| {' | '.join(map(_escaped, line))} |" for line in cells)


def _escaped(cell: str) -> str:
    # A bar ends a cell, even within code.
    return cell.replace("|", r"\|")


def _default_cell(default: str | None) -> str:
    return "required" if default is None else f"`{default}`"


def render() -> str:
    """The whole reference: a heading and a table for each config file."""
    return "\n\n".join(f"### `{path}`\n\n{table(rows(record))}" for path, record in FILES)


def replaced(text: str, reference: str, where: str) -> str:
    """`text` with the reference in place of what stands between the two marker lines.

    Raises:
        InputError: if `where`, the file that the text is from, has not one of each marker, BEGIN first.
    """
    lines = text.split("\n")
    begin, end = _place(lines, BEGIN, where), _place(lines, END, where)
    if end < begin:
        raise InputError(f"{where}:{end + 1}: expected the line '{END}' below '{BEGIN}', which is line {begin + 1}")
    return "\n".join([*lines[: begin + 1], "", reference, "", *lines[end:]])


def _place(lines: Sequence[str], marker: str, where: str) -> int:
    places = [place for place, line in enumerate(lines) if line.strip() == marker]
    if len(places) != 1:
        raise InputError(f"{where}: expected one line '{marker}'. Received: {len(places) or 'none'}")
    return places[0]


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pipeline config", description=__doc__, allow_abbrev=False)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--write", type=Path, metavar="FILE", help="put the reference between the file's marker lines")
    what.add_argument("--check", type=Path, metavar="FILE", help="say whether the file's reference is up to date")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Prints, writes or checks; returns the exit code: 0 done, 1 out of date, 2 bad input."""
    chosen = parse(arguments)
    try:
        if chosen.write:
            _write(chosen.write)
        elif chosen.check:
            return _check(chosen.check)
        else:
            sys.stdout.write(render() + "\n")
    except PipelineError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _write(path: Path) -> None:
    text = replaced(_read(path), render(), str(path))
    try:
        write_file(path, text)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


def _check(path: Path) -> int:
    text = _read(path)
    if text == replaced(text, render(), str(path)):
        return 0
    sys.stderr.write(
        f"{path}: the configuration reference is out of date. Run: python -m pipeline config --write {path}\n"
    )
    return OUT_OF_DATE


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8: {error.reason}") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
