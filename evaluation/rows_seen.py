"""The rows that an evaluation has seen, counted apart from its metrics and left beside them until they are compared."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.shard_totals import SliceTotals
from evaluation.slices import SliceKey

_FILE = ".rows_seen.json"


@dataclass(frozen=True)
class SeenRows:
    """Rows by shard, as `<folder>/<name>`, and those that lack one of the features to slice by, by these (`a, b`)."""

    shards: Mapping[str, int]
    without: Mapping[str, int]


def keep_rows_seen(element: tuple[SliceKey, SliceTotals], features: Sequence[tuple[str, ...]], folder: str) -> None:
    """Writes what the slice of all rows carries; of any other slice nothing."""
    rows = element[1].rows
    if rows is None:
        return
    without = {", ".join(names): lacking for names, lacking in zip(features, rows.without, strict=True) if names}
    Path(folder).mkdir(parents=True, exist_ok=True)
    content = json.dumps({"shards": rows.shards, "without": without})
    (Path(folder) / _FILE).write_text(content, encoding="utf-8")


def take_rows_seen(folder: Path) -> SeenRows:
    """Reads and removes what an evaluation left in its folder; nothing was seen where it left nothing."""
    file = folder / _FILE
    if not file.is_file():
        return SeenRows({}, {})
    seen = json.loads(file.read_text(encoding="utf-8"))
    file.unlink()
    return SeenRows(seen["shards"], seen["without"])
