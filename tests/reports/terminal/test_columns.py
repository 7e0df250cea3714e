"""Columns that stay aligned, and give way by their rank."""

import pytest

from reports.terminal.columns import Column, aligned, cut

COLUMNS = [
    Column("n", ["1", "22"], right=True),
    Column("empty", ["", ""]),
    Column("name", ["a", "longer"], rank=1),
    Column("seconds", ["7", ""], right=True, rank=2),
]


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (None, [" n  name    seconds", " 1  a             7", "22  longer"]),
        (19, [" n  name    seconds", " 1  a             7", "22  longer"]),
        (18, [" n  name", " 1  a", "22  longer"]),
        (9, [" n", " 1", "22"]),
        (1, ["…", "…", "…"]),
    ],
)
def test_columns_go_by_their_rank_until_the_lines_fit(width: int | None, lines: list[str]) -> None:
    assert aligned(COLUMNS, width) == lines


def test_a_line_that_is_cut_says_so() -> None:
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdef", 5) == "abcd…"
    assert cut("abcdef", None) == "abcdef"
