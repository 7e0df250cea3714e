"""Released versions from the terminal: `python -m pipeline release list | verify | rollback | use VERSION`."""

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path

from components.release.release_store import CURRENT, MANIFEST, current, rollback, use, versions
from pipeline.local.session import locked
from reports.runs.output_folder import DEFAULT_OUTPUT, existing_output
from schema.errors import DamagedFileError, InputError, PipelineError
from schema.failure import ended
from schema.folder_checksums import files_below
from schema.problem import DEFAULT_PROBLEM
from schema.release_files import release_faults

# What goes by the versions themselves, or by the metadata store (ADR 9 and ADR 12).
_UNREACHED = (
    "not followed by a server that takes the highest number (TF Serving's default), nor by later runs' baseline"
)
_DAMAGED = "  damaged: see verify"


def main(arguments: list[str]) -> int:
    """Lists versions, verifies them, goes back one or to any; returns the exit code."""
    args = _parse(arguments)
    try:
        output = existing_output(args.output)
        destination = release_folder(output, args.problem)
        if args.action == "list":
            lines = list_lines(destination)
        elif args.action == "verify":
            return _verify(
                destination, versions(destination) if args.all else [verified_version(destination, args.version)]
            )
        else:
            with locked(output):
                version = rollback(destination) if args.action == "rollback" else use(destination, args.version)
            lines = [f"{CURRENT} is now version {version}", _UNREACHED]
        sys.stdout.write("\n".join(lines) + "\n")
    except (PipelineError, OSError) as error:
        return ended(error, args.output)
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pipeline release", description=__doc__, allow_abbrev=False)
    parser.add_argument("action", choices=["list", "verify", "rollback", "use"])
    parser.add_argument("version", nargs="?", type=int, help="use, verify: the version, as list shows it")
    parser.add_argument("--all", action="store_true", help="verify: every version; default: the current one")
    parser.add_argument("--problem", default=DEFAULT_PROBLEM, help="a folder under schema/, or the path of one")
    parser.add_argument("--output", default=DEFAULT_OUTPUT, help="the --output of the run that released")
    args = parser.parse_intermixed_args(arguments)
    if args.action == "use" and args.version is None:
        parser.error("use: expected a version, as list shows it. Received: none")
    if args.action in ("list", "rollback") and args.version is not None:
        parser.error(f"{args.action}: expected no version. Received: {args.version}")
    if args.all and (args.action != "verify" or args.version is not None):
        parser.error("--all goes with verify, and with no version")
    return args


def verified_version(destination: Path, version: int | None) -> int:
    """The version that is to be verified: the one that was named, or else the current one.

    Raises:
        InputError: if there is none; names those there are.
    """
    known, chosen = versions(destination), current(destination) if version is None else version
    if chosen is None or not (destination / str(chosen)).is_dir():
        named = CURRENT if version is None else f"version {version}"
        raise InputError(f"{destination}: no {named} to verify. Versions: {known or 'none'}.")
    return chosen


def _verify(destination: Path, chosen: list[int]) -> int:
    """Writes a line per version and one per fault; returns the exit code."""
    damaged = 0
    for version in chosen[::-1]:
        faults = list(release_faults(destination / str(version)))
        damaged += bool(faults)
        files = len(files_below(destination / str(version)))
        said = f"damaged, {len(faults)} of its files" if faults else f"whole, {files} files"
        sys.stdout.write("\n".join([f"{version}  {said}", *(f"  {fault}" for fault in faults)]) + "\n")
    if not chosen:
        sys.stdout.write(f"{destination}: no version has been released\n")
    return DamagedFileError.exit_code if damaged else 0


def release_folder(output: Path, problem: str) -> Path:
    """The folder of a problem's released versions, whether or not there is one yet.

    Raises:
        InputError: if there is neither a release nor a problem of that name.
    """
    released = output / "pushed" / problem
    if Path(problem).name == problem and released.is_dir():
        return released
    # What has been released is known without them, and they take longer to import than all else here.
    from pipeline.config.pipeline_config import ROOT
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
    faults = len(list(release_faults(destination / str(version), contents=False)))
    spans = "all spans" if window == ":" else f"spans {window}"
    return f"{created}  {spans}  {accepted} device variant{'s' * (accepted != 1)}{_DAMAGED * bool(faults)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
