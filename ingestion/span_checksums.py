"""The record of what a stored span's files are; apart from the shards' writers, which bring TensorFlow."""

from collections.abc import Iterator
from pathlib import Path

from schema.folder_checksums import recorded_faults, write_checksums

_FILE = "checksums"


def record_span(folder: Path) -> None:
    """Records the files of a span's folder, which is complete."""
    write_checksums(folder / _FILE, folder)


def span_faults(folder: Path) -> Iterator[str]:
    """What is wrong with a span's folder, a fragment per file; nothing if it is as it was recorded."""
    yield from recorded_faults(folder / _FILE, folder)
