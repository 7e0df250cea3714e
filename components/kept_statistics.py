"""What is kept of a span's statistics: mergeable parts of each split's rows, and the statistics of all rows."""

import logging
import pickle
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from components.partial_statistics import Part

_LOG = logging.getLogger(__name__)


# A split, and which group of its shards.
Place = tuple[str, int]


@dataclass(frozen=True)
class KeptSpan:
    """A folder of one span's content, under one schema and code, that outlives a run.

    Each file is written aside and renamed, and carries a checksum: one that a crash or a disk has damaged counts as
    lacking, and is told in the log. A part of the sample problem takes some 20 KB, a fifth of what it is as a pickle.

    Attributes:
        folder: where the files are.
        shards: the span's shards, each group of which has a part; in the order in which parts are merged.
    """

    folder: Path
    shards: Mapping[Place, tuple[str, ...]]

    def lacking(self) -> list[Place]:
        """The groups of which there is no part that can be read."""
        return [place for place in self.shards if _read(part_file(self.folder, place)) is None]

    def parts(self, *splits: str) -> Iterator[Part]:
        """The parts of these splits' rows, in order, each read when it is asked for.

        Raises:
            FileNotFoundError: if one is not there or cannot be read.
        """
        for place in self.shards:
            if place[0] in splits:
                yield pickle.loads(self._content(part_file(self.folder, place)))  # noqa: S301 (keep_part wrote it)

    @property
    def has_statistics(self) -> bool:
        """Whether the statistics of all rows are there and can be read."""
        return _read(self._statistics) is not None

    def statistics(self) -> bytes:
        """The statistics of all rows, a serialized DatasetFeatureStatisticsList.

        Raises:
            FileNotFoundError: if there are none that can be read.
        """
        return self._content(self._statistics)

    def keep_statistics(self, statistics: bytes) -> None:
        """Keeps the statistics of all rows."""
        _write(self._statistics, statistics)

    @property
    def _statistics(self) -> Path:
        return self.folder / "span.statistics"

    def _content(self, path: Path) -> bytes:
        content = _read(path)
        if content is None:
            raise FileNotFoundError(
                f"{path}: expected a file that was just written. Whoever does Beam's work must see this folder"
            )
        return content


def part_file(folder: Path, place: Place) -> Path:
    """Where the part of a group of shards is kept."""
    return folder / f"{place[0]}-{place[1]}.part"


def keep_part(path: Path, part: Part) -> None:
    """Keeps a part where `part_file` says."""
    _write(path, pickle.dumps(part, pickle.HIGHEST_PROTOCOL))


def _read(path: Path) -> bytes | None:
    """The content of a file that `_write` wrote; None if it is not there, or is damaged."""
    if not path.is_file():
        return None
    try:
        return zlib.decompress(path.read_bytes())
    except zlib.error as error:
        _LOG.warning("%s: cannot be read (%s), and is made anew", path, error)
        return None


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".partial")
    aside.write_bytes(zlib.compress(content))
    aside.replace(path)
