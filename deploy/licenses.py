"""Lists the licence of every Python package of an environment, as its own metadata name it: `make licenses`.

In the image: `docker run --rm -i --entrypoint python IMAGE - < deploy/licenses.py`. The packages of its Debian base
have theirs in /usr/share/doc/*/copyright. Exit code: 1 if a package names none and has no licence file to read.

The standard library alone.
"""
# ruff: noqa: INP001 (a script, of no package)

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

_LONGEST = 60
_CLASSIFIER = "License :: "
_VAGUE = "OSI Approved"


@dataclass(frozen=True)
class Licensed:
    """A package, and what it is licensed under; empty where it names nothing."""

    name: str
    version: str
    license: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the list as a Markdown table; returns the exit code."""
    args = _options(arguments)
    listed = None if args.sbom is None else _components(args.sbom)
    found = sorted(_licensed(listed), key=lambda package: package.name.lower())
    sys.stdout.write("| package | version | licence |\n| --- | --- | --- |\n")
    sys.stdout.writelines(
        f"| {package.name} | {package.version} | {package.license or 'not named'} |\n" for package in found
    )
    absent = sorted((listed or set()) - {_normal(package.name) for package in found})
    if absent:
        sys.stderr.write(f"not installed here, so not listed: {', '.join(absent)}\n")
    unnamed = [package.name for package in found if not package.license]
    if unnamed:
        sys.stderr.write(f"no licence is named by: {', '.join(unnamed)}\n")
    return 1 if unnamed else 0


def _licensed(listed: set[str] | None) -> Iterator[Licensed]:
    for package in distributions():
        name = package.metadata["Name"]
        if listed is None or _normal(name) in listed:
            yield Licensed(name, package.version, license_of(package))


def license_of(package: Distribution) -> str:
    """An SPDX expression where there is one, else the classifiers', else the field of old, else the files to read."""
    metadata = package.metadata
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    classifiers = [text for text in metadata.get_all("Classifier") or [] if text.startswith(_CLASSIFIER)]
    named = [name for text in classifiers if (name := text.rpartition(" :: ")[2]) != _VAGUE]
    if named:
        return ", ".join(dict.fromkeys(named))
    lines = metadata["License"].strip().splitlines() if "License" in metadata else []
    if lines and len(lines[0]) <= _LONGEST:
        return lines[0].replace("|", "/")
    files = metadata.get_all("License-File") or []
    return f"see {', '.join(files)}" if files else ""


def _components(sbom: Path) -> set[str]:
    content = json.loads(sbom.read_text(encoding="utf-8"))
    return {_normal(component["name"]) for component in content["components"]}


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python deploy/licenses.py", description=__doc__, allow_abbrev=False)
    parser.add_argument("--sbom", type=Path, help="a CycloneDX file: its packages alone, instead of all installed ones")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
