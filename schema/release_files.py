"""Whether a released version holds what its manifest says: asked before anything loads it, or is pointed at it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from schema.errors import DamagedFileError

MANIFEST = "manifest.json"
# Keys of the manifest: SHA-256 and bytes of each other file by its path, and the SHA-256 of the manifest without it.
_FILES, _SIZES, _CHECKSUM = "files", "sizes", "checksum"
_READERS = 4
_NAMED = 4


def sealed(manifest: Mapping[str, Any], folder: Path) -> str:
    """The manifest as text, with what the files of the version are and a checksum of itself.

    Args:
        manifest: what else it says, as JSON has it.
        folder: the version's, complete but for the manifest.
    """
    paths = sorted(_paths(folder))
    content = {
        **manifest,
        _FILES: {path: _digest(folder / path) for path in paths},
        _SIZES: {path: (folder / path).stat().st_size for path in paths},
    }
    # As it is read: a key that is no text becomes one.
    checksum = _checksum(json.loads(json.dumps(content)))
    return json.dumps({**content, _CHECKSUM: checksum}, indent=1, sort_keys=True)


def check_release(folder: Path) -> None:
    """Returns if the version is whole: every file there, none beside them, each with its size and its SHA-256.

    Raises:
        DamagedFileError: naming the version and what is wrong with it.
    """
    faults = list(release_faults(folder))
    if faults:
        more = f" and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
        raise DamagedFileError(f"{folder}: damaged: {'; '.join(faults[:_NAMED])}{more}")


def release_faults(folder: Path, *, contents: bool = True) -> Iterator[str]:
    """What is wrong with a version, a fragment per file; nothing if it is whole.

    Args:
        folder: the version's.
        contents: whether files that have their size are read; else damage that leaves a size is not found.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        recorded, sizes = dict(manifest[_FILES]), dict(manifest.get(_SIZES, {}))
    except OSError as error:
        yield f"{MANIFEST}: {error.strerror}"
        return
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        yield f"{MANIFEST}: not readable: {type(error).__name__}: {error}"
        return
    # Versions of before have neither sizes nor a checksum.
    if (sizes or _CHECKSUM in manifest) and manifest.get(_CHECKSUM) != _checksum(manifest):
        yield f"{MANIFEST}: changed since it was written"
    present = _paths(folder)
    yield from (f"{path}: missing" for path in sorted(recorded.keys() - present))
    yield from (f"{path}: not in the manifest" for path in sorted(present - recorded.keys()))
    yield from _changed_files(
        folder, {path: recorded[path] for path in sorted(recorded.keys() & present)}, sizes, contents
    )


def _changed_files(
    folder: Path, recorded: Mapping[str, str], sizes: Mapping[str, int], contents: bool
) -> Iterator[str]:
    found = {path: (folder / path).stat().st_size for path in recorded}
    resized = {path: size for path, size in found.items() if sizes.get(path, size) != size}
    yield from (f"{path}: {size} bytes, not {sizes[path]}" for path, size in resized.items())
    rest = [path for path in recorded if path not in resized] if contents else []
    with ThreadPoolExecutor(_READERS) as pool:
        digests = pool.map(lambda path: _digest(folder / path), rest)
        yield from (f"{path}: changed" for path, digest in zip(rest, digests, strict=True) if digest != recorded[path])


def _paths(folder: Path) -> set[str]:
    files = (
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()
    )
    return {path for path in files if path != MANIFEST}


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _checksum(manifest: Mapping[str, Any]) -> str:
    """Of its values, so that it does not matter how the JSON is laid out."""
    content = {key: value for key, value in manifest.items() if key != _CHECKSUM}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
