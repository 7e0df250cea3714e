"""Row counts of several nodes as one ledger, worked out by hand."""

import json
from pathlib import Path

import pytest

from reports.artifacts.ledger import load_ledger
from reports.card.topics.data import data
from reports.runs.collected import collected
from reports.runs.run import MissingArtifactError, Run
from reports.views.ledger import Ledger
from schema.row_ledger import RowCount, write_counts


def line(node: str, boundary: str, rows: int, expected: int | None = None, **others: object) -> dict[str, object]:
    """A line of the ledger, of one place that agrees."""
    told = {"split": "", "of": "", "against": "", "dropped": {}, "places": 1, "agrees": True}
    return {"node": node, "boundary": boundary, "rows": rows, "expected": expected, **told, **others}


def test_places_of_one_boundary_are_added_up_in_the_order_of_the_rows(tmp_path: Path) -> None:
    write_counts(
        [
            RowCount("source files", 1, 1, unit="blocks", file="a.csv", span="span-01"),
            RowCount("source files", 5, file="a.csv", span="span-01"),
            RowCount("source files", 4, 4, file="a.parquet", span="span-02"),
            RowCount("examples", 4, 5, span="span-01", dropped={"without a label": 1}),
            RowCount("examples", 2, 4, span="span-02", dropped={"without a label": 1, "outside the sample": 1}),
            RowCount("examples", 2, split="test", file="span-01-0.gz"),
            RowCount("examples", 3, split="train", file="span-01-0.gz"),
            RowCount("examples", 1, split="train", file="span-02-0.gz"),
        ],
        tmp_path / "examples",
    )
    write_counts([RowCount("trained per epoch", 4, 4, split="train", of="prune")], tmp_path / "tuned" / "prune")
    (tmp_path / "before").mkdir()
    artifacts = {
        "FineTuner.model_run": tmp_path / "tuned",
        "Evaluator.evaluation": tmp_path / "before",
        "StatisticsGen.statistics": tmp_path / "removed",
        "ExampleGen.examples": tmp_path / "examples",
    }

    assert load_ledger(artifacts) == [
        line("ExampleGen", "source files", 9, places=2),
        line("ExampleGen", "examples", 6, 9, places=2, dropped={"without a label": 2, "outside the sample": 1}),
        line("ExampleGen", "examples", 4, split="train", places=2),
        line("ExampleGen", "examples", 2, split="test"),
        line("FineTuner", "trained per epoch", 4, 4, split="train", of="prune"),
    ]


def test_the_table_says_what_agrees_what_was_left_out_and_what_was_counted_first() -> None:
    lines = [
        line("ExampleGen", "source files", 1009),
        line("ExampleGen", "examples", 1007, 1009, dropped={"without a label": 2}),
        line("Transform", "transformed", 999, 1000, split="train", agrees=False),
        line("DeviceModels", "in no slice", 1, of="soil"),
        line("DeviceModels", "scored by device models", 6, 6, split="test", of="server"),
        line("DeviceModels", "scored by device models", 6, 6, split="test", of="int8"),
    ]

    shown = [[cell.marked for cell in cells] for cells in Ledger(lines).table().rows]

    assert shown == [
        ["ExampleGen: source files", "all", "1,009", "", "", "counted first"],
        ["ExampleGen: examples", "all", "1,007", "2 without a label", "1,009", "✓ yes"],
        ["Transform: transformed", "train", "999", "", "1,000", "✗ no"],
        ["DeviceModels: scored by device models", "test, server, int8", "6", "", "6", "✓ yes"],
    ]
    assert "3 of 4 row counts that have an independent count agree with it." in Ledger(lines).html(page=True)


def test_the_record_the_report_and_the_card_have_it_if_rows_were_counted(tmp_path: Path) -> None:
    spans = [{"span": 1, "folder": "/store/01-a", "rows": {"train": 4, "eval": 1, "test": 2}}]
    (tmp_path / "spans.json").write_text(json.dumps(spans), encoding="utf-8")
    split = {"train": 8, "eval": 1, "test": 1, "key": None}
    config = {"problem": {"split": split}, "sample_rows": None}
    artifacts = {"ExampleGen.examples": tmp_path}

    before = Run(collected(artifacts), config, artifacts)
    with pytest.raises(MissingArtifactError, match="has no row counts"):
        _ = before.ledger
    assert len(data(before).parts) == 2

    write_counts([RowCount("examples", 7, 8, span="span-01", dropped={"without a label": 1})], tmp_path)
    run = Run(collected(artifacts), config, artifacts)
    assert run.record["ledger"] == run.ledger.lines
    card = "\n".join(part.markdown() for part in data(run).parts)
    assert "1 without a label" in card
    assert "1 of 1 row counts that have an independent count agree with it." in card
