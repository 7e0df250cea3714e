"""Rows of each shard of an Examples artifact, as they were counted when it was written."""

import logging
from pathlib import Path

from models.preprocessing.records import count_rows
from schema.row_ledger import EXAMPLES, has_counts, read_counts

_LOG = logging.getLogger(__name__)

# What is said to be done about rows that are not what Examples had.
FIX = (
    "Either a shard is damaged or the runner lost elements: run again with --no-cache, and if the same numbers come "
    "again, remove the output folder's cache/spans first."
)
IN_EXAMPLES = "in Examples"


def shard_rows(examples: Path, *splits: str) -> dict[str, dict[str, int]]:
    """Rows by the shard's name, by split.

    Of an artifact that another ExampleGen wrote, and which has no counts, the shards are read through; the log says so.

    Raises:
        PipelineError: if the artifact's counts cannot be read.
    """
    if not has_counts(examples):
        _LOG.warning("%s: no row counts beside the examples, so the shards are read through and counted", examples)
        return {split: {shard.name: count_rows([shard]) for shard in _shards(examples, split)} for split in splits}
    found: dict[str, dict[str, int]] = {split: {} for split in splits}
    for count in read_counts(examples):
        if count.boundary == EXAMPLES and count.split in found:
            found[count.split][count.file] = count.rows
    return found


def split_rows(examples: Path, *splits: str) -> dict[str, int]:
    """Rows of each split; see shard_rows."""
    return {split: sum(shards.values()) for split, shards in shard_rows(examples, *splits).items()}


def span_of(shard: str) -> str:
    """The span that a shard of Examples is of, by its name; empty where that does not say."""
    prefix, _, number = shard.partition("-")
    return f"span-{number.partition('-')[0]}" if prefix == "span" else ""


def _shards(examples: Path, split: str) -> list[Path]:
    return sorted((examples / f"Split-{split}").glob("*.gz"))
