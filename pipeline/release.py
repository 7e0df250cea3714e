"""Released versions from the terminal: `python -m pipeline.release list|rollback`."""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from components.release_store import MANIFEST, current, rollback, versions
from schema.errors import PipelineError


def main(arguments: list[str]) -> int:
    """Lists versions or goes back one; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.release", description=__doc__)
    parser.add_argument("action", choices=["list", "rollback"])
    parser.add_argument("--problem", default="nyc_flights", help="the problem's name")
    parser.add_argument("--output", default="output", help="the --output of the run that released")
    chosen = parser.parse_args(arguments)
    destination = Path(chosen.output) / "pushed" / chosen.problem
    try:
        if chosen.action == "rollback":
            sys.stdout.write(f"current is now version {rollback(destination)}\n")
        else:
            sys.stdout.write("\n".join(list_lines(destination)) + "\n")
    except PipelineError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def list_lines(destination: Path) -> list[str]:
    """A line a version, newest first, the current one marked."""
    now = current(destination)
    lines = []
    for version in reversed(versions(destination)):
        manifest = json.loads((destination / str(version) / MANIFEST).read_text(encoding="utf-8"))
        released = datetime.fromtimestamp(version, UTC).strftime("%Y-%m-%d %H:%M UTC")
        accepted = sum(variant["accepted"] for variant in manifest["variants"])
        mark = "* " if version == now else "  "
        lines.append(f"{mark}{version}  {released}  spans {manifest['lineage']['window']}  {accepted} device variants")
    return lines or [f"{destination}: no version has been released"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
