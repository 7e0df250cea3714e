"""Which of several gzip files is damaged: TensorFlow's reader says at what byte, and not in which file."""

import gzip
import zlib
from collections.abc import Iterable
from pathlib import Path

from schema.errors import DamagedFileError

_BLOCK_BYTES = 1 << 20


def damaged_shard(paths: Iterable[Path], reason: str) -> DamagedFileError:
    """The error to raise once reading the shards has failed; each is read through up to the one that is damaged.

    Args:
        paths: the shards that were read.
        reason: what the reader said.
    """
    shards = list(paths)
    named = next((path for path in shards if not _is_whole(path)), None)
    where = str(named) if named else f"one of {', '.join(map(str, shards))}"
    return DamagedFileError(f"{where}: damaged: {reason}. Remove what it is part of, and run again: it is made anew")


def _is_whole(path: Path) -> bool:
    try:
        with gzip.open(path) as stream:
            while stream.read(_BLOCK_BYTES):
                pass
    except (OSError, EOFError, zlib.error):
        return False
    return True
