"""Folders of artifacts and executions that no metadata knows, and what it frees to remove them."""

import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from pipeline.local.artifact_checksums import CHECKSUMS, SYSTEM

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def unknown_folders(root: Path, artifacts: Collection[str], executions: Collection[int]) -> Iterator[Path]:
    """The folders below `root` that belong to nothing which stays, and the checksums of such.

    Args:
        root: the folder of the artifacts; `<node>/<output key>/<number>` are theirs, and `<node>/.system` is TFX's own.
        artifacts: those that stay, as `Trainer/model/7`.
        executions: those that stay.
    """
    for folder in sorted(root.glob("*/*/*")):
        node, key = folder.parent.parent.name, folder.parent.name
        # TFX numbers them; what else somebody laid there is not ours to remove.
        if key != SYSTEM and _number(folder) is not None and f"{node}/{key}/{folder.name}" not in artifacts:
            yield folder
    for folder in sorted(root.glob(f"*/{SYSTEM}/executor_execution/*")):
        if _number(folder) is not None and _number(folder) not in executions:
            yield folder
    for file in sorted(root.glob(f"*/{SYSTEM}/{CHECKSUMS}/*/*")):
        if f"{file.parents[3].name}/{file.parent.name}/{file.name}" not in artifacts:
            yield file
    for folder in sorted(root.glob(f"*/{SYSTEM}/driver_execution/*")):
        # Of the node that the driver started, and none runs while the output folder is held.
        if _number(folder) is not None:
            yield folder
    for folder in sorted(root.glob(f"*/{SYSTEM}/stateful_working_dir/*")):
        # Of a node that failed or was interrupted: the next attempt has another one.
        if _UUID.fullmatch(folder.name):
            yield folder


def _number(folder: Path) -> int | None:
    return int(folder.name) if folder.name.isascii() and folder.name.isdigit() else None


def freed_bytes(paths: Iterable[Path]) -> int:
    """Bytes of the files at or below the paths that are gone with them.

    A file that has another name elsewhere, as a shard that lies in the cache too, stays.
    """
    found: dict[tuple[int, int], tuple[int, int, int]] = {}
    for path in paths:
        for file in _files(path):
            known = file.lstat()
            _, _, names = found.get((known.st_dev, known.st_ino), (0, 0, 0))
            found[known.st_dev, known.st_ino] = (known.st_size, known.st_nlink, names + 1)
    return sum(size for size, links, names in found.values() if names >= links)


def _files(path: Path) -> Iterator[Path]:
    if path.is_symlink() or not path.is_dir():
        yield path
        return
    for folder, _, names in os.walk(path):
        yield from (Path(folder) / name for name in names)


def remove(path: Path) -> None:
    """Removes a folder with what is in it, or a file; of a link the link alone."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path)
