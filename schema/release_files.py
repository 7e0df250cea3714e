"""Whether a released version holds what its manifest says: asked before anything loads it, or is pointed at it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from schema.errors import DamagedFileError
from schema.first_few import first_few
from schema.folder_checksums import files_below, folder_checksums, folder_faults

MANIFEST = "manifest.json"
# Keys of the manifest: SHA-256 and bytes of each other file by its path, and the SHA-256 of the manifest without it.
_FILES, _SIZES, _CHECKSUM = "files", "sizes", "checksum"
_NAMED = 4


def sealed(manifest: Mapping[str, Any], folder: Path) -> str:
    """The manifest as text, with what the files of the version are and a checksum of itself.

    Args:
        manifest: what else it says, as JSON has it.
        folder: the version's, complete but for the manifest.
    """
    found = folder_checksums(folder)
    content = {
        **manifest,
        _FILES: {path: digest for path, (_, digest) in found.items()},
        _SIZES: {path: size for path, (size, _) in found.items()},
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
        raise DamagedFileError(f"{folder}: damaged: {first_few(faults, _NAMED)}")


def release_faults(folder: Path, *, contents: bool = True) -> Iterator[str]:
    """What is wrong with a version, a fragment per file; nothing if it is whole.

    Args:
        folder: the version's.
        contents: whether files that have their size are read; else damage that leaves a size is not found.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        files, sizes = dict(manifest[_FILES]), dict(manifest.get(_SIZES, {}))
    except OSError as error:
        yield f"{MANIFEST}: {error.strerror}"
        return
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        yield f"{MANIFEST}: not readable: {type(error).__name__}: {error}"
        return
    # Versions of before have neither sizes nor a checksum.
    if (sizes or _CHECKSUM in manifest) and manifest.get(_CHECKSUM) != _checksum(manifest):
        yield f"{MANIFEST}: changed since it was written"
    yield from folder_faults(folder, {path: (sizes.get(path), files[path]) for path in files}, contents=contents)
    yield from (f"{path}: not in the manifest" for path in sorted(files_below(folder) - {*files, MANIFEST}))


def _checksum(manifest: Mapping[str, Any]) -> str:
    """Of its values, so that it does not matter how the JSON is laid out."""
    content = {key: value for key, value in manifest.items() if key != _CHECKSUM}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
