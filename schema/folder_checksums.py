"""What the files of a folder are, by size and SHA-256, and what has become of them since."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from schema.checked_file import read_checked, write_checked
from schema.errors import DamagedFileError

_READERS = 4

# By path below the folder: bytes, None where they were not recorded, and SHA-256 in hexadecimal digits.
Checksums = Mapping[str, tuple[int | None, str]]


def folder_checksums(folder: Path) -> dict[str, tuple[int, str]]:
    """Of every file below the folder, by its path there; read side by side, at about 1 GB a second."""
    paths = sorted(files_below(folder))
    with ThreadPoolExecutor(_READERS) as pool:
        digests = pool.map(lambda path: _digest(folder / path), paths)
        return {path: ((folder / path).stat().st_size, digest) for path, digest in zip(paths, digests, strict=True)}


def files_below(folder: Path) -> set[str]:
    """Paths of the files below a folder, links included."""
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return {path.relative_to(folder).as_posix() for path in found}


def folder_faults(folder: Path, recorded: Checksums, *, contents: bool = True) -> Iterator[str]:
    """What is wrong with the files that were recorded, a fragment per file; files that were not are let be.

    Args:
        folder: where they are.
        recorded: what they were.
        contents: whether files that have their size are read; else damage that leaves a size is not found.
    """
    found = {path: _size(folder / path) for path in recorded}
    sized = [path for path, size in found.items() if size is not None and recorded[path][0] in (None, size)]
    yield from (f"{path}: {_resized(found[path], recorded[path][0])}" for path in sorted(found.keys() - set(sized)))
    if contents:
        with ThreadPoolExecutor(_READERS) as pool:
            digests = pool.map(lambda path: _digest(folder / path), sized)
            pairs = zip(sized, digests, strict=True)
            yield from (f"{path}: changed" for path, digest in pairs if digest != recorded[path][1])


def write_checksums(file: Path, folder: Path) -> None:
    """Records what the files of a folder are in a file, which is none of them."""
    write_checked(file, json.dumps(folder_checksums(folder)).encode("ascii"))


def recorded_faults(file: Path, folder: Path) -> Iterator[str]:
    """As folder_faults, by what `write_checksums` recorded; a record that is absent or damaged is a fault."""
    try:
        recorded = json.loads(read_checked(file))
    except FileNotFoundError:
        yield f"{file.name}: missing"
    except DamagedFileError as error:
        yield str(error)
    else:
        yield from folder_faults(folder, {path: (size, digest) for path, (size, digest) in recorded.items()})


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _resized(size: int | None, recorded: int | None) -> str:
    return "missing" if size is None else f"{size} bytes, not {recorded}"


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
