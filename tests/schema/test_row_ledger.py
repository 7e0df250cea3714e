"""Counts of rows, and the rule that two of them agree."""

from pathlib import Path

import pytest

from schema.errors import PipelineError, RowCountError
from schema.row_ledger import FILE, RowCount, read_counts, require_equal, write_counts

TRANSFORMED = RowCount("transformed", 999, 1000, "in Examples", split="train", span="span-03", file="data-00001.gz")


def test_rows_that_were_left_out_for_a_reason_are_not_lost() -> None:
    assert RowCount("examples", 97, 100, dropped={"without a label": 2, "outside the sample": 1}).agrees
    assert not RowCount("examples", 97, 100, dropped={"without a label": 2}).agrees


def test_a_first_count_has_nothing_to_agree_with() -> None:
    first = RowCount("source files", 5)
    assert first.agrees
    require_equal("ExampleGen", [first], "")


@pytest.mark.parametrize("rows", [999, 1001, 0])
def test_one_row_less_or_more_is_refused_with_both_numbers_and_the_place(rows: int) -> None:
    count = RowCount("transformed", rows, 1000, "in Examples", split="train", span="span-03", file="data-00001.gz")

    with pytest.raises(RowCountError) as caught:
        require_equal("Transform", [count, RowCount("transformed", 5, 5)], "Run again.")

    assert str(caught.value).splitlines() == [
        "Transform: rows were lost or added, so nothing of it is kept:",
        f"  transformed, span-03, split 'train', data-00001.gz: {rows:,} rows, expected 1,000 in Examples",
        "Run again.",
    ]
    assert caught.value.exit_code == 1


def test_of_many_places_the_first_are_named_and_the_others_counted() -> None:
    with pytest.raises(RowCountError) as caught:
        require_equal("Transform", [TRANSFORMED] * 7, "Run again.")

    assert len(str(caught.value).splitlines()) == 8
    assert "and 2 more places" in str(caught.value)


def test_counts_are_read_as_they_were_written(tmp_path: Path) -> None:
    counts = [TRANSFORMED, RowCount("source files", 0, file="a.csv"), RowCount("examples", 4, 5, dropped={"bad": 1})]

    write_counts(counts, tmp_path / "made")

    assert read_counts(tmp_path / "made") == counts


@pytest.mark.parametrize(
    ("content", "message"), [(None, "no such file"), ("[", "not readable"), ('[{"row": 1}]', "not readable")]
)
def test_what_is_no_counts_is_named(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / FILE).write_text(content, encoding="utf-8")

    with pytest.raises(PipelineError, match=f"{FILE}: {message}"):
        read_counts(tmp_path)
