"""The row counts of a run's nodes as one ledger, a line for each boundary that the rows pass."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from schema.row_ledger import BOUNDARIES, RowCount, has_counts, read_counts

# Whose counts there are, in the order in which rows come to them.
_ARTIFACTS = (
    "ExampleGen.examples",
    "StatisticsGen.statistics",
    "Transform.transformed_examples",
    "Trainer.model_run",
    "FineTuner.model_run",
    "Evaluator.evaluation",
    "DeviceModels.device_models",
)
_SPLITS = ("", "train", "eval", "test")


def load_ledger(artifacts: Mapping[str, Path]) -> list[dict[str, Any]]:
    """The lines: `node`, `boundary`, `split`, `of`, `rows`, `expected`, `against`, `dropped`, `places` and `agrees`.

    Rows of several places of one boundary and split, such as shards or spans, are added up; they agree if those of each
    place do. `expected` is null where nothing was counted before. Nodes of before rows were counted have no line.

    Args:
        artifacts: folders by `<node>.<output>`.
    """
    return [
        line
        for name in _ARTIFACTS
        if name in artifacts and artifacts[name].is_dir()
        for line in _lines(name.partition(".")[0], _counts(artifacts[name]))
    ]


def _counts(folder: Path) -> list[RowCount]:
    # A fine-tuning has a folder for each technique.
    folders = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    found = [count for one in folders if has_counts(one) for count in read_counts(one)]
    return [count for count in found if count.unit == "rows"]


def _lines(node: str, counts: Sequence[RowCount]) -> Iterator[dict[str, Any]]:
    for (_, _, of), same in groupby(sorted(counts, key=_key), _key):
        yield _line(node, of, list(same))


def _key(count: RowCount) -> tuple[int, int, str]:
    known = count.split in _SPLITS
    return BOUNDARIES.index(count.boundary), _SPLITS.index(count.split) if known else len(_SPLITS), count.of


def _line(node: str, of: str, same: Sequence[RowCount]) -> dict[str, Any]:
    dropped: dict[str, int] = {}
    for reason, rows in (entry for count in same for entry in count.dropped.items()):
        dropped[reason] = dropped.get(reason, 0) + rows
    due = [count.expected for count in same if count.expected is not None]
    return {
        "node": node,
        "boundary": same[0].boundary,
        "split": same[0].split,
        "of": of,
        "rows": sum(count.rows for count in same),
        "expected": sum(due) if len(due) == len(same) else None,
        "against": same[0].against,
        "dropped": dropped,
        "places": len(same),
        "agrees": all(count.agrees for count in same),
    }
