"""What is kept of a span's statistics: mergeable parts of each split's rows, and the statistics of all rows."""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from components.data.mergeable_statistics import Part, part_codec
from schema.checked_file import find_checked, read_checked, write_checked

# A split, and which group of its shards.
Place = tuple[str, int]


@dataclass(frozen=True)
class KeptSpan:
    """A folder of one span's content, under one schema and code, that outlives a run.

    Each file is whole and carries a checksum: one that a crash or a disk has damaged counts as lacking, and is
    announced. A part of the sample problem takes some 20 KB.

    Attributes:
        folder: where the files are.
        shards: the span's shards, each group of which has a part; in the order in which parts are merged.
    """

    folder: Path
    shards: Mapping[Place, tuple[str, ...]]

    def lacking(self) -> list[Place]:
        """The groups of which there is no part that can be read."""
        return [place for place in self.shards if find_checked(part_file(self.folder, place)) is None]

    def parts(self, *splits: str) -> Iterator[Part]:
        """The parts of these splits' rows, in order, each read when it is asked for.

        Raises:
            FileNotFoundError: if one is not there.
            DamagedFileError: if one holds anything else.
        """
        codec = part_codec()
        for place in self.shards:
            if place[0] in splits:
                yield codec.decode(_content(part_file(self.folder, place)))

    @property
    def has_statistics(self) -> bool:
        """Whether the statistics of all rows are there and can be read."""
        return find_checked(self._statistics) is not None

    def statistics(self) -> bytes:
        """The statistics of all rows, a serialized DatasetFeatureStatisticsList.

        Raises:
            FileNotFoundError: if there are none.
            DamagedFileError: if the file holds anything else.
        """
        return _content(self._statistics)

    def keep_statistics(self, statistics: bytes) -> None:
        """Keeps the statistics of all rows."""
        write_checked(self._statistics, zlib.compress(statistics))

    @property
    def _statistics(self) -> Path:
        return self.folder / "span.statistics"


def part_file(folder: Path, place: Place) -> Path:
    """Where the part of a group of shards is kept."""
    return folder / f"{place[0]}-{place[1]}.part"


def keep_part(path: Path, part: Part) -> None:
    """Keeps a part where `part_file` says."""
    write_checked(path, zlib.compress(part_codec().encode(part)))


def _content(path: Path) -> bytes:
    try:
        return zlib.decompress(read_checked(path))
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path}: expected a file that was just written. Whoever does Beam's work must see this folder"
        ) from None
