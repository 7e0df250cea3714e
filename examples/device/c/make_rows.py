"""Golden rows of a device bundle as text that a C program reads: `make_rows.py BUNDLE VARIANT > rows.txt`.

    inputs 2
    outputs 1
    rows 16
    tolerance 1e-06
    carrier int32
    temp float32
    2 39.0199966 0.168293074
    ...

A line a row: the ids form's inputs in the order of the columns, then the expected scores. A missing number is `nan`.
Without VARIANT the names of the bundle's variants are written, a line each.
"""

import argparse
import json
import struct
import sys
from pathlib import Path
from typing import Any

_TYPES = {"string": "int32", "integer": "int32", "number": "float32"}


class WrongInputError(Exception):
    """The bundle has not what was asked for; the message says what it lacks."""


def main() -> int:
    """Writes the rows, or the variants' names, to stdout; ends with 2 and a sentence if the bundle has none of them."""
    options = _options()
    try:
        written = _written(options.bundle, options.variant)
    except WrongInputError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    sys.stdout.write("\n".join(written) + "\n")
    return 0


def _written(bundle: Path, name: str | None) -> list[str]:
    manifest = _part(bundle, "manifest.json")
    variants = {variant["name"]: variant for variant in manifest["variants"]}
    # Such a release has no golden rows either.
    if not variants:
        raise WrongInputError(f"{bundle}: the bundle has no variant: none was accepted for this release")
    if name is None:
        return list(variants)
    if name not in variants:
        raise WrongInputError(f"no variant '{name}' in {bundle}. Variants: {', '.join(variants)}")
    kinds = {feature["name"]: feature["kind"] for feature in manifest["features"]}
    return lines(_part(bundle, "golden.json"), kinds, variants[name])


def _part(bundle: Path, name: str) -> dict[str, Any]:
    try:
        part: dict[str, Any] = json.loads((bundle / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WrongInputError(f"{bundle}: no device bundle there ({name} is absent)") from None
    except (OSError, ValueError) as error:
        raise WrongInputError(f"{bundle / name}: {error}") from None
    return part


def lines(golden: dict[str, Any], kinds: dict[str, str], variant: dict[str, Any]) -> list[str]:
    """The file's lines, see the module."""
    rows, expected = golden["ids"], golden["expected"][variant["name"]]
    head = [f"inputs {len(golden['features'])}", f"outputs {golden['outputs']}", f"rows {len(rows)}"]
    head += [f"tolerance {variant['tolerance']:g}", *(f"{name} {_TYPES[kinds[name]]}" for name in golden["features"])]
    values = [[_value(row[name], kinds[name]) for name in golden["features"]] for row in rows]
    return head + [
        " ".join([*row, *(_float32(score) for score in scores)]) for row, scores in zip(values, expected, strict=True)
    ]


def _value(value: float | None, kind: str) -> str:
    if _TYPES[kind] == "int32":
        return str(value)
    return "nan" if value is None else _float32(value)


def _float32(number: float) -> str:
    """Nine digits, from which the same float32 is read again."""
    return f"{struct.unpack('f', struct.pack('f', number))[0]:.9g}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Golden rows of a device bundle as text.")
    parser.add_argument("bundle", type=Path, help="a release's folder device/")
    parser.add_argument("variant", nargs="?", help="a variant of its manifest.json; without one all are listed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
