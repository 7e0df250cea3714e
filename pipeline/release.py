"""Released versions from the terminal: `python -m pipeline.release list | rollback | use VERSION`."""

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path

from components.release_store import CURRENT, MANIFEST, current, rollback, use, versions
from pipeline.session import locked
from reports.output_folder import DEFAULT_OUTPUT, existing_output
from schema.errors import PipelineError
from schema.failure import ended
from schema.problem import DEFAULT_PROBLEM

# What goes by the versions themselves, or by the metadata store (ADR 9 and ADR 12).
_UNREACHED = (
    "not followed by a server that takes the highest number (TF Serving's default), nor by later runs' baseline"
)


def main(arguments: list[str]) -> int:
    """Lists versions, goes back one or to any; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.release", description=__doc__, allow_abbrev=False)
    parser.add_argument("action", choices=["list", "rollback", "use"])
    parser.add_argument("version", nargs="?", type=int, help="use: the version, as list shows it")
    parser.add_argument("--problem", default=DEFAULT_PROBLEM, help="a folder under schema/, or the path of one")
    parser.add_argument("--output", default=DEFAULT_OUTPUT, help="the --output of the run that released")
    chosen = parser.parse_intermixed_args(arguments)
    if chosen.action == "use" and chosen.version is None:
        parser.error("use: expected a version, as list shows it. Received: none")
    if chosen.action != "use" and chosen.version is not None:
        parser.error(f"{chosen.action}: expected no version. Received: {chosen.version}")
    try:
        output = existing_output(chosen.output)
        destination = release_folder(output, chosen.problem)
        if chosen.action == "list":
            lines = list_lines(destination)
        else:
            with locked(output):
                version = rollback(destination) if chosen.action == "rollback" else use(destination, chosen.version)
            lines = [f"{CURRENT} is now version {version}", _UNREACHED]
        sys.stdout.write("\n".join(lines) + "\n")
    except (PipelineError, OSError) as error:
        return ended(error, chosen.output)
    return 0


def release_folder(output: Path, problem: str) -> Path:
    """The folder of a problem's released versions, whether or not there is one yet.

    Raises:
        InputError: if there is neither a release nor a problem of that name.
    """
    released = output / "pushed" / problem
    if Path(problem).name == problem and released.is_dir():
        return released
    # What has been released is known without them, and they take longer to import than all else here.
    from pipeline.config import ROOT
    from schema.problem import problem_folder, read_problem

    return output / "pushed" / read_problem(problem_folder(problem, ROOT)).name


def list_lines(destination: Path) -> list[str]:
    """A line a version, newest first, the current one marked."""
    now, known = current(destination), versions(destination)
    lines = [f"{'*' if version == now else ' '} {version}  {_told(destination, version)}" for version in known[::-1]]
    if now is not None and now not in known:
        lines.append(f"{CURRENT} points at version {now}, which is not there")
    return lines or [f"{destination}: no version has been released"]


def _told(destination: Path, version: int) -> str:
    """When a version was made, from which spans and with how many device variants, as far as its manifest says."""
    try:
        manifest = json.loads((destination / str(version) / MANIFEST).read_text(encoding="utf-8"))
        created = datetime.fromisoformat(manifest["created"]).strftime("%Y-%m-%d %H:%M UTC")
        window = manifest["lineage"]["window"]
        accepted = sum(variant["accepted"] for variant in manifest["variants"])
    except KeyError as error:
        return f"{MANIFEST} lacks {error}"
    except (OSError, ValueError, TypeError) as error:
        return f"{MANIFEST} is not readable: {error}"
    spans = "all spans" if window == ":" else f"spans {window}"
    return f"{created}  {spans}  {accepted} device variant{'s' * (accepted != 1)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
