"""A file to lock, in a folder that others may write to."""

import os
from pathlib import Path
from typing import BinaryIO


def open_lock(path: Path) -> BinaryIO:
    """Opens the file for locking, and makes it if it is not there; what it holds stays.

    Raises:
        OSError: if it cannot be opened, with ELOOP where it is a symbolic link: that might lead to anybody's file.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    return os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0)
