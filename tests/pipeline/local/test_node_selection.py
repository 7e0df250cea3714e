"""A choice of nodes is checked before it becomes a run."""

import re
from pathlib import Path

import pytest

import run_local
from pipeline.local.node_selection import Choice
from schema.errors import InputError
from tests.crops import PROBLEMS, write_crops

UPSTREAM = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}


@pytest.mark.parametrize(
    "choice", [Choice(), Choice("a"), Choice(last="d"), Choice("a", "d"), Choice("b", "b"), Choice("c", "d")]
)
def test_a_choice_that_fits_the_graph_is_let_through(choice: Choice) -> None:
    choice.check(UPSTREAM)
    assert choice.is_all is (choice == Choice())


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (Choice("train", "train"), "no node 'train' in the graph. Nodes: a, b, c, d."),
        (Choice("A"), "no node 'A' in the graph. Did you mean 'a'?"),
        (Choice("d", "a"), "--from d --to a: a does not come after d, so no node would run. Did you mean --from a"),
        (Choice("b", "c"), "--from b --to c: c does not come after b, so no node would run. See the order with --list"),
    ],
)
def test_a_choice_in_which_no_node_lies_is_refused(choice: Choice, told: str) -> None:
    with pytest.raises(InputError, match=re.escape(told)):
        choice.check(UPSTREAM)


@pytest.mark.parametrize("dry", [["--dry-run"], []])
@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--only", "Trainr"], "Did you mean 'Trainer'?"),
        (["--from", "Pusher", "--to", "Trainer"], "Did you mean --from Trainer --to Pusher?"),
    ],
)
def test_a_choice_that_does_not_fit_is_no_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], flags: list[str], told: str, dry: list[str]
) -> None:
    data = write_crops(tmp_path / "data", range(2019, 2020))
    given = ["--problem", str(PROBLEMS / "crops"), "--data", str(data), "--output", str(tmp_path / "output")]

    assert run_local.main([*given, *flags, *dry]) == 2
    written = capfd.readouterr()
    assert told in written.err
    assert written.out == ""
    assert not (tmp_path / "output").exists()
