"""Bytes in a file that carries their checksum, so that damage to them is found when they are read."""

import hashlib
from pathlib import Path

from schema.durable import make_folder, write_file
from schema.errors import DamagedFileError
from schema.notices import notify

# Names the format and its version; a later format has another.
_MARK = b"checked1"
_DIGEST_BYTES = hashlib.sha256().digest_size
_HEADER_BYTES = len(_MARK) + _DIGEST_BYTES


def write_checked(path: Path, content: bytes) -> Path:
    """Writes the mark, the SHA-256 of the content, and the content, whole or not at all; makes the file's folder."""
    make_folder(path.parent)
    return write_file(path, _MARK + hashlib.sha256(content).digest() + content)


def read_checked(path: Path) -> bytes:
    """The content that `write_checked` wrote.

    Raises:
        FileNotFoundError: if there is no such file.
        DamagedFileError: if it holds anything else.
    """
    stored = path.read_bytes()
    mark, digest, content = stored[: len(_MARK)], stored[len(_MARK) :][:_DIGEST_BYTES], stored[_HEADER_BYTES:]
    if mark != _MARK:
        raise DamagedFileError(f"{path}: damaged: expected a file that begins with {_MARK!r}. Received: {mark!r}")
    if hashlib.sha256(content).digest() != digest:
        raise DamagedFileError(f"{path}: damaged: its content of {len(content)} bytes does not have its checksum")
    return content


def find_checked(path: Path) -> bytes | None:
    """The content, for a cache: None if there is no such file; a damaged one is announced, removed and not returned."""
    try:
        return read_checked(path)
    except FileNotFoundError:
        return None
    except DamagedFileError as error:
        notify(f"{error}; it is made anew")
        path.unlink(missing_ok=True)
        return None
