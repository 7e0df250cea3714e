"""Converted files, kept by the digest of all that they were made from."""

import contextlib
import hashlib
import os
from functools import cache
from pathlib import Path

from edge.convert import library_versions
from edge.runtime.litert_model import Columns
from schema.checked_file import find_checked, write_checked

_SOURCE = Path(__file__).resolve().parents[1]
_SUFFIX = ".tflite"


class VariantCache:
    """A folder of entries, each one file with its checksum."""

    def __init__(self, folder: Path, keep: int = 64) -> None:
        """Makes the folder if absent.

        Args:
            folder: may be shared by processes; an entry is whole when it is there.
            keep: entries that outlive `prune`.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._keep = folder, keep

    def find(self, key: str) -> bytes | None:
        """The content under the key, or None; a damaged entry is announced, removed and not returned."""
        path = self._path(key)
        content = find_checked(path)
        if content is None:
            return None
        # Its age is the time since it was last of use; another process may have pruned it since it was read.
        with contextlib.suppress(FileNotFoundError):
            os.utime(path)
        return content

    def add(self, key: str, content: bytes) -> None:
        """Keeps the content under the key."""
        write_checked(self._path(key), content)

    def prune(self) -> None:
        """Removes all but the entries last used."""
        ages: list[tuple[int, Path]] = []
        # With what an addition that was killed left behind; such files count as entries, so that they grow old.
        for path in self._folder.iterdir():
            # Another process may prune at the same time.
            with contextlib.suppress(FileNotFoundError):
                ages.append((path.stat().st_mtime_ns, path))
        for _, path in sorted(ages, reverse=True)[self._keep :]:
            path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{_SUFFIX}"


def key(*parts: str | bytes) -> str:
    """A digest of the parts, of edge's source and of the libraries' versions."""
    digest = hashlib.sha256(_maker())
    for part in parts:
        data = part.encode("utf-8") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:32]


def saved_model_digest(folder: Path) -> str:
    """Digest of a SavedModel's graph, weights and assets; its fingerprint.pb differs each time it is saved."""
    files = [folder / "saved_model.pb", *sorted(path for path in folder.glob("[va]*/**/*") if path.is_file())]
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(folder).as_posix()}:{path.stat().st_size}:".encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def rows_digest(columns: Columns) -> str:
    """Digest of the names, types and values of columns of raw rows."""
    digest = hashlib.sha256()
    for name in sorted(columns):
        values = columns[name]
        digest.update(f"{name}:{values.dtype}:{len(values)}:".encode())
        if values.dtype.kind == "O":
            for value in values:
                digest.update(len(value).to_bytes(8, "big") + value)
        else:
            digest.update(values.tobytes())
    return digest.hexdigest()


@cache
def _maker() -> bytes:
    digest = hashlib.sha256(library_versions.digest().encode())
    for path in sorted(_SOURCE.rglob("*.py")):
        digest.update(path.relative_to(_SOURCE).as_posix().encode() + b":" + path.read_bytes())
    return digest.digest()
