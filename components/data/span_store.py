"""Converted spans, kept by content, so that the next window converts only what is new."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ingestion.span_checksums import span_faults
from schema.notices import notify

SPANS_FILE = "spans.json"


@dataclass(frozen=True)
class StoredSpan:
    """One converted span: `folder` holds its Split-* folders and stays the same for the same content."""

    span: int
    folder: str
    rows: dict[str, int]

    @property
    def name(self) -> str:
        """`span-03`: the name under which files and statistics speak of it."""
        return span_name(self.span)


def span_name(span: int) -> str:
    """`span-03`, of its number."""
    return f"span-{span:02d}"


def link_spans(spans: list[StoredSpan], examples: Path, splits: tuple[str, ...]) -> None:
    """Lays the spans' shards into one Examples artifact, by hard link where the file system has them."""
    for split in splits:
        target = examples / f"Split-{split}"
        target.mkdir(parents=True, exist_ok=True)
        for span in spans:
            for shard in sorted((Path(span.folder) / f"Split-{split}").glob("*.gz")):
                _link(shard, _in_artifact(shard, span, examples))
    listing = [{"span": span.span, "folder": span.folder, "rows": span.rows} for span in spans]
    (examples / SPANS_FILE).write_text(json.dumps(listing, indent=1), encoding="utf-8")


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        # Another file system, or one without links: the artifact then holds a copy of its own.
        shutil.copyfile(source, target)


def read_spans(examples: Path) -> list[StoredSpan]:
    """The spans that an Examples artifact was laid from.

    Where a span's folder is out of reach (another machine, a fresh container) or damaged, the span is laid out again
    beside the artifact from the artifact's own shards.
    """
    listing = json.loads((examples / SPANS_FILE).read_text(encoding="utf-8"))
    spans = [StoredSpan(**entry) for entry in listing]
    return [span if _is_usable(span, examples) else _restore(span, examples) for span in spans]


def _is_usable(span: StoredSpan, examples: Path) -> bool:
    folder = Path(span.folder)
    if not folder.is_dir():
        return False
    # The artifact's own shards under another name; where they are copies, these may have been damaged alone.
    pairs = [(shard, _in_artifact(shard, span, examples)) for shard in folder.glob("Split-*/*.gz")]
    if all(linked.is_file() and shard.samefile(linked) for shard, linked in pairs):
        return True
    faults = list(span_faults(folder))
    if faults:
        notify(f"{folder}: damaged: {faults[0]}; its rows are taken from {examples}")
    return not faults


def _in_artifact(shard: Path, span: StoredSpan, examples: Path) -> Path:
    return examples / shard.parent.name / f"{span.name}-{shard.name}"


def _restore(span: StoredSpan, examples: Path) -> StoredSpan:
    # The folder's own name stands for the span's content, by which its statistics and analyzers are kept.
    folder = examples / ".spans" / Path(span.folder).name
    for split in examples.glob("Split-*"):
        (folder / split.name).mkdir(parents=True, exist_ok=True)
        for shard in split.glob(f"{span.name}-*"):
            target = folder / split.name / shard.name.removeprefix(f"{span.name}-")
            if not target.exists():
                _link(shard, target)
    return StoredSpan(span.span, str(folder), span.rows)
