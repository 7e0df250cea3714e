"""Files and folders that appear whole under their name, even where the machine loses its power meanwhile.

A rename alone is atomic for those who look, not for a disk: after a power loss the new name may stand over content that
was never written. So what is renamed is written out first, and then the folder that holds the name.
"""

import errno
import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

# Of a file system that cannot write out a folder; names there last as long as it makes them.
_NO_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.ENOSYS})
_SYNCS = 8


def write_file(path: Path, content: bytes | str) -> Path:
    """Writes a file whole or not at all; text as UTF-8. Its folder must be there."""
    with new_file(path) as temporary:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Gives the path of a temporary file beside `path`, which takes its name when the block ends without an error."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    try:
        yield temporary
        put_file(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def put_file(temporary: Path, path: Path) -> Path:
    """Renames a finished file to `path`, of the same file system, in place of what is there."""
    _sync(temporary)
    os.replace(temporary, path)  # noqa: PTH105 (one call for files and links, seen by the audit hook of its test)
    _sync(path.parent)
    return path


def put_folder(temporary: Path, path: Path) -> Path:
    """Renames a finished folder to `path`, of the same file system, where nothing or an empty folder is."""
    found = [temporary, *temporary.rglob("*")]
    # Side by side a disk writes them in a fifth of the time.
    with ThreadPoolExecutor(_SYNCS) as pool:
        list(pool.map(_sync, (file for file in found if file.is_file() and not file.is_symlink())))
        list(pool.map(_sync, (folder for folder in found if folder.is_dir() and not folder.is_symlink())))
    return move_folder(temporary, path)


def move_folder(folder: Path, path: Path) -> Path:
    """Renames a folder to `path` in the same folder, and has the disk hold that before anything else is done to it."""
    folder.rename(path)
    _sync(path.parent)
    return path


def put_link(target: str, path: Path) -> Path:
    """Makes `path` a symbolic link to `target`, in place of the link or file that is there."""
    temporary = path.with_name(f".{path.name}.partial")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    os.replace(temporary, path)  # noqa: PTH105
    _sync(path.parent)
    return path


def make_folder(path: Path) -> Path:
    """Makes a folder and those above it that are absent, and writes out the names of the new ones."""
    absent = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in reversed(absent):
        _sync(folder.parent)
    return path


def _sync(path: Path) -> None:
    """Has the disk hold a file's content, or a folder's names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(handle)
