"""Released versions on disk: written aside, renamed into place, `current` switched last, verified before use."""

import errno
import fcntl
import logging
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schema import release_files
from schema.durable import make_folder, move_folder, put_folder, put_link
from schema.errors import DamagedFileError, InputError
from schema.lock_file import open_lock
from schema.release_files import check_release
from schema.signatures import WEIGHTS

_LOG = logging.getLogger(__name__)
# Of a file system that cannot lock.
_NO_LOCKS = frozenset({errno.ENOTSUP, errno.ENOSYS, errno.ENOLCK})
_LOCK = ".lock"

CURRENT = "current"
DEVICE = "device"
MANIFEST = release_files.MANIFEST


@dataclass(frozen=True)
class Stamp:
    """A version's number, and when it was made: ISO 8601, in UTC."""

    version: int
    created: str


@dataclass(frozen=True)
class Release:
    """What one version is made of.

    Attributes:
        server: a SavedModel folder.
        lay_device: writes the device bundle into an empty folder, which is the version's DEVICE.
        manifest: what the manifest says beside the version, its time and the files' hashes.
        weights: a file from which a later training may start; None where there is none.
        cards: files for people, which lie beside the SavedModel's own.
    """

    server: Path
    lay_device: Callable[[Path, Stamp], None]
    manifest: dict[str, Any]
    weights: Path | None = None
    cards: Sequence[Path] = ()


def versions(destination: Path) -> list[int]:
    """The released versions, oldest first."""
    return [number for number in _numbers(destination) if (destination / str(number) / MANIFEST).is_file()]


def _numbers(destination: Path) -> list[int]:
    """Every folder that a poller would take for a version, lowest first."""
    if not destination.is_dir():
        return []
    return sorted(int(path.name) for path in destination.iterdir() if path.name.isascii() and path.name.isdigit())


def current(destination: Path) -> int | None:
    """The version that `current` points at; None before the first release.

    Raises:
        InputError: if it points at something that is no version.
    """
    link = destination / CURRENT
    if not link.is_symlink():
        return None
    target = link.readlink()
    if not target.name.isdigit():
        raise InputError(f"{link}: expected a link to a version. Received: a link to '{target}'.")
    return int(target.name)


def publish(release: Release, destination: Path, keep: int) -> int:
    """Writes a new version and points `current` at it; returns its number.

    A version is a whole folder from the moment it can be seen until it is gone: TF Serving's poller, which takes any
    number for a model, never finds half of one. Versions are Unix seconds, made to rise. All but the newest `keep` are
    removed. Another push to the same destination, of this machine or another on the same volume, is waited for.
    """
    make_folder(destination)
    with _alone(destination):
        return _publish(release, destination, keep)


@contextmanager
def _alone(destination: Path) -> Iterator[None]:
    """Keeps other pushes away, which would clear what this one is writing and take its number."""
    with open_lock(destination / _LOCK) as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            _LOG.warning("%s cannot be locked (%s): no other push may go there meanwhile", destination, error.strerror)
        yield


def _publish(release: Release, destination: Path, keep: int) -> int:
    _clear(destination)
    now = int(time.time())
    version = max([now, *(number + 1 for number in _numbers(destination))])
    created = datetime.fromtimestamp(now, UTC).isoformat()
    aside = destination / f".{version}.partial"
    try:
        # The SavedModel lies at the version's top, where TF Serving looks for it.
        shutil.copytree(release.server, aside)
        (aside / DEVICE).mkdir()
        release.lay_device(aside / DEVICE, Stamp(version, created))
        for path in release.cards:
            shutil.copy2(path, aside / path.name)
        if release.weights is not None:
            (aside / WEIGHTS).parent.mkdir()
            shutil.copy2(release.weights, aside / WEIGHTS)
        manifest = {**release.manifest, "version": version, "created": created}
        (aside / MANIFEST).write_text(release_files.sealed(manifest, aside), encoding="utf-8")
        put_folder(aside, destination / str(version))
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    point(destination, version)
    prune(destination, keep)
    return version


def _clear(destination: Path) -> None:
    """Removes what a push that was killed left behind; nobody has ever seen it as a version."""
    for left in destination.glob(".*.partial"):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)


def point(destination: Path, version: int) -> None:
    """Switches `current` to a version in one step."""
    put_link(str(version), destination / CURRENT)


def prune(destination: Path, keep: int) -> None:
    """Removes all but the newest `keep` versions and the one that `current` points at."""
    kept = {*versions(destination)[-keep:], current(destination)}
    for old in versions(destination):
        if old not in kept:
            # Out of sight first: a poller must not find a version that is half removed.
            shutil.rmtree(move_folder(destination / str(old), destination / f".{old}.partial"))


def rollback(destination: Path) -> int:
    """Points `current` at the version before the one it points at, once that is verified; returns that version.

    Raises:
        InputError: if there is none before it.
        DamagedFileError: if it is damaged.
    """
    now, known = current(destination), versions(destination)
    if now is None:
        raise InputError(f"{destination}: no version has been released, so there is none to go back to")
    earlier = [version for version in known if version < now]
    if not earlier:
        raise InputError(f"{destination}: no version before {now} to go back to. Versions: {known or 'none'}.")
    return _point_at_whole(destination, earlier[-1])


def use(destination: Path, version: int) -> int:
    """Points `current` at a version, older or newer than it points at, once that is verified; returns that version.

    Raises:
        InputError: if there is no such version; names those there are.
        DamagedFileError: if it is damaged.
    """
    known = versions(destination)
    if not known:
        raise InputError(f"{destination}: no version has been released, so there is none to use")
    if version not in known:
        raise InputError(f"{destination}: no version {version} to use. Versions: {known}.")
    return _point_at_whole(destination, version)


def _point_at_whole(destination: Path, version: int) -> int:
    try:
        check_release(destination / str(version))
    except DamagedFileError as error:
        others = [number for number in versions(destination) if number != version]
        raise DamagedFileError(
            f"{error}. {CURRENT} stays where it is; use another version, of {others or 'which there is none'}"
        ) from None
    point(destination, version)
    return version
