"""Files as a failing disk gives them back."""

import os
from pathlib import Path


def with_a_flipped_bit(content: bytes, place: float = 0.5) -> bytes:
    """The content with one bit changed: the lowest of the byte at this share of its length."""
    at = int(place * (len(content) - 1))
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def flip_bit(path: Path, place: float = 0.5) -> None:
    """Changes one bit of a file where it lies, under all names that it has, and not the time it was written."""
    times = path.stat()
    content = with_a_flipped_bit(path.read_bytes(), place)
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
