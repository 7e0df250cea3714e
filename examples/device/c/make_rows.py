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
"""

import argparse
import json
import struct
import sys
from pathlib import Path
from typing import Any

_TYPES = {"string": "int32", "integer": "int32", "number": "float32"}


def main() -> int:
    """Writes the rows to stdout; ends with 2 and a sentence if the bundle has none of them."""
    options = _options()
    try:
        manifest = json.loads((options.bundle / "manifest.json").read_text(encoding="utf-8"))
        golden = json.loads((options.bundle / "golden.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{options.bundle}: no device bundle there: {error}\n")
        return 2
    variants = {variant["name"]: variant for variant in manifest["variants"]}
    if options.variant not in variants:
        sys.stderr.write(f"no variant '{options.variant}' in {options.bundle}. Variants: {', '.join(variants)}\n")
        return 2
    kinds = {feature["name"]: feature["kind"] for feature in manifest["features"]}
    sys.stdout.write("\n".join(lines(golden, kinds, variants[options.variant])) + "\n")
    return 0


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
    parser.add_argument("variant", help="a variant of its manifest.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
