"""Released versions on disk: written aside, renamed into place, `current` switched last."""

import hashlib
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schema.errors import InputError

CURRENT = "current"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Release:
    """What one version is made of: a SavedModel folder, LiteRT files, and what the manifest says of them."""

    server: Path
    device_files: list[Path]
    manifest: dict[str, Any]


def versions(destination: Path) -> list[int]:
    """The released versions, oldest first."""
    if not destination.is_dir():
        return []
    return sorted(int(p.name) for p in destination.iterdir() if p.name.isdigit() and (p / MANIFEST).is_file())


def current(destination: Path) -> int | None:
    """The version that `current` points at; None before the first release."""
    link = destination / CURRENT
    return int(str(link.readlink())) if link.is_symlink() else None


def publish(release: Release, destination: Path, keep: int) -> int:
    """Writes a new version and points `current` at it; returns its number.

    A version is a whole folder from the moment it can be seen: TF Serving's poller, which takes any number for a
    model, never finds half of one. Versions are Unix seconds, made to rise. All but the newest `keep` are removed.
    """
    destination.mkdir(parents=True, exist_ok=True)
    known = versions(destination)
    version = max(int(time.time()), known[-1] + 1 if known else 0)
    aside = destination / f".{version}.partial"
    shutil.rmtree(aside, ignore_errors=True)
    try:
        # The SavedModel lies at the version's top, where TF Serving looks for it.
        shutil.copytree(release.server, aside)
        (aside / "device").mkdir()
        for path in release.device_files:
            shutil.copy2(path, aside / "device" / path.name)
        manifest = {"version": version, **release.manifest, "files": _hashes(aside)}
        (aside / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True), encoding="utf-8")
        aside.rename(destination / str(version))
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    point(destination, version)
    for old in versions(destination)[:-keep]:
        shutil.rmtree(destination / str(old))
    return version


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def point(destination: Path, version: int) -> None:
    """Switches `current` to a version in one step."""
    aside = destination / f".{CURRENT}.partial"
    aside.unlink(missing_ok=True)
    aside.symlink_to(str(version))
    aside.replace(destination / CURRENT)


def rollback(destination: Path) -> int:
    """Points `current` at the version before the one it points at; returns that version.

    Raises:
        InputError: if there is none before it.
    """
    now, known = current(destination), versions(destination)
    earlier = [version for version in known if now is not None and version < now]
    if not earlier:
        raise InputError(f"{destination}: no version before {now}. Versions: {known or 'none'}.")
    point(destination, earlier[-1])
    return earlier[-1]
