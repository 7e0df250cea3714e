"""Rows scored by the server model and by variants, from literal shards on."""

from pathlib import Path

import numpy as np
import pytest

from components.data.example_rows import split_rows
from components.device.device_counts import device_counts
from components.device.device_scores import SliceWatch
from components.evaluation.batch_scoring import SERVER, Scorer, score_split
from edge.runtime.litert_model import Columns
from models.export.raw_rows import row_batches
from schema.errors import RowCountError
from schema.row_ledger import EXAMPLES, RowCount, require_equal, write_counts
from tests.models.rows_case import SCHEMA, TRAIN, bound_problem, known_columns, write_rows

BOUND = bound_problem(evaluation={"slices": [["soil"], ["soil", "week"]]})


def counts(folder: Path, shards: int = 2, lost: int = 0) -> list[RowCount]:
    """The six rows of TRAIN, of which ExampleGen counted three in each of two shards; `lost` are not in the last.

    A variant called int8 gives the first batch no answer if the rows are in one shard.
    """
    split = folder / "Split-test"
    for place in range(shards):
        rows = TRAIN[place::shards][lost if place == shards - 1 else 0 :]
        shard = write_rows(rows, folder / str(place))
        split.mkdir(parents=True, exist_ok=True)
        shard.rename(split / f"{place}.gz")
    each = len(TRAIN) // shards
    write_counts([RowCount(EXAMPLES, each, split="test", file=f"{place}.gz") for place in range(shards)], folder)

    def zeros(rows: Columns) -> np.ndarray:
        return np.zeros((len(rows["week"]), 1), np.float32)

    def forgets(rows: Columns) -> np.ndarray:
        return zeros(rows)[: len(rows["week"]) - (shards == 1)]

    scorers: dict[str, Scorer] = {SERVER: zeros, "int8": forgets}
    watch = SliceWatch(BOUND.problem, SCHEMA)
    batches = row_batches(sorted(split.iterdir()), BOUND, known_columns())
    scored = score_split(watch.through(batches), scorers)
    return device_counts(scored, watch.result(), watch.without, split_rows(folder, "test")["test"])


def test_rows_are_counted_by_model_and_by_slice(tmp_path: Path) -> None:
    found = counts(tmp_path)

    assert [(one.of, one.rows, one.expected, one.dropped) for one in found] == [
        ("rows read", 6, 6, {}),
        ("server", 6, 6, {}),
        ("int8", 6, 6, {}),
        # Of six rows one has no soil.
        ("by soil", 5, 6, {"without soil": 1}),
        ("by soil, week", 5, 6, {"without soil, week": 1}),
    ]
    require_equal("DeviceModels", found, "")


def test_a_row_that_a_variant_did_not_score_is_missed(tmp_path: Path) -> None:
    with pytest.raises(RowCountError) as caught:
        require_equal("DeviceModels", counts(tmp_path, shards=1), "Run again.")

    assert str(caught.value).splitlines()[1:-1] == [
        "  scored by device models, int8, split 'test': 5 rows, expected 6 in Examples"
    ]


def test_a_record_that_is_gone_from_a_shard_is_missed_everywhere(tmp_path: Path) -> None:
    with pytest.raises(RowCountError) as caught:
        require_equal("DeviceModels", counts(tmp_path, lost=1), "")

    message = str(caught.value)
    assert "scored by device models, rows read, split 'test': 5 rows, expected 6 in Examples" in message
    assert "sum of slices, by soil: 4 rows and 1 without soil, expected 6 in Examples" in message
