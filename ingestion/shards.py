"""TFRecord shards of a span, by split: written a block at a time, then gathered under TFX's names, all or nothing."""

import json
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingestion.examples import shard_writer
from ingestion.span_checksums import record_span
from ingestion.splits import SPLITS
from schema.durable import put_folder
from schema.row_ledger import EXAMPLES, RowCount, write_counts

ROWS_FILE = "rows.json"


@dataclass(frozen=True, order=True)
class Place:
    """Where a block stands in its span: the file's place and the block's place in the file, both from 0."""

    file: int
    block: int

    @property
    def shard(self) -> str:
        """The name of the block's shard in each split."""
        return f"{self.file:05d}-{self.block:06d}.gz"


def aside(folder: Path) -> Path:
    """Where shards wait until all blocks of a span are there."""
    return folder.with_name(f"{folder.name}.partial")


@contextmanager
def split_writers(folder: Path, place: Place) -> Iterator[list[Any]]:
    """Writers of one block's shards, one a split as in SPLITS; the shards appear when all are whole.

    A block that is converted again, by a runner that retries, puts its own shards in place of the first.
    """
    targets = [aside(folder) / f"Split-{split}" / place.shard for split in SPLITS]
    unfinished = [target.with_name(f".{target.name}.{uuid.uuid4().hex}") for target in targets]
    try:
        with ExitStack() as stack:
            for path in unfinished:
                path.parent.mkdir(parents=True, exist_ok=True)
            yield [stack.enter_context(shard_writer(path)) for path in unfinished]
        for path, target in zip(unfinished, targets, strict=True):
            # Not written out yet: that is done once, to all of the span, before it has its name.
            path.replace(target)
    finally:
        for path in unfinished:
            path.unlink(missing_ok=True)


def gather(
    folder: Path, blocks: Mapping[Place, Mapping[str, int]], unlabelled: int, counts: Sequence[RowCount] = ()
) -> None:
    """Puts the span in its place: `folder/Split-<name>/data_tfrecord-00000-of-0000N.gz`, its counts, and checksums.

    Args:
        folder: the span's place; what is there is replaced.
        blocks: rows a split of each block whose shards wait aside.
        unlabelled: rows that were left out, for rows.json.
        counts: of the span's files, which stand before those of its shards.
    """
    waiting = aside(folder)
    if not waiting.is_dir() and (folder / ROWS_FILE).is_file():
        return  # by an attempt that the runner took for lost
    written = []
    for split in SPLITS:
        # A split without a row still is one shard.
        filled = [place for place in sorted(blocks) if blocks[place][split]] or [min(blocks)]
        names = _name_shards(waiting / f"Split-{split}", filled)
        written += [
            RowCount(EXAMPLES, blocks[place][split], split=split, file=name)
            for place, name in zip(filled, names, strict=True)
        ]
    write_counts([*counts, *written], waiting)
    rows = {split: sum(counted[split] for counted in blocks.values()) for split in SPLITS}
    (waiting / ROWS_FILE).write_text(json.dumps({"unlabelled": unlabelled, **rows}), encoding="utf-8")
    record_span(waiting)
    shutil.rmtree(folder, ignore_errors=True)
    put_folder(waiting, folder)


def _name_shards(folder: Path, places: list[Place]) -> list[str]:
    names = [f"data_tfrecord-{number:05d}-of-{len(places):05d}.gz" for number in range(len(places))]
    for place, name in zip(places, names, strict=True):
        # Where an attempt before this one was cut short, some have their names.
        if not (folder / name).is_file():
            (folder / place.shard).rename(folder / name)
    _remove(path for path in folder.iterdir() if path.name not in names)
    return names


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
