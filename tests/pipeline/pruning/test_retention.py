"""Which runs stay: the newest finished ones of each problem, and what is of use beyond them."""

import pytest

from pipeline.pruning.retention import UNFINISHED, Candidate, kept_runs


def finished(run_id: str, problem: str = "flights", held_by: str = "") -> Candidate:
    return Candidate(run_id, problem, finished=True, held_by=held_by)


def broken(run_id: str, problem: str = "flights") -> Candidate:
    return Candidate(run_id, problem, finished=False)


@pytest.mark.parametrize(
    ("candidates", "keep", "kept"),
    [
        ([], 1, {}),
        ([finished("1"), finished("2"), finished("3")], 2, {"2": "", "3": ""}),
        ([finished("3"), finished("1"), finished("2")], 2, {"2": "", "3": ""}),  # whatever their order
        ([finished("1"), finished("2")], 5, {"1": "", "2": ""}),
        # Each problem has its own newest.
        ([finished("1", "crops"), finished("2"), finished("3")], 1, {"1": "", "3": ""}),
        ([finished("1", held_by="a release"), finished("2")], 1, {"1": "a release", "2": ""}),
        ([finished("1", held_by="a release")], 1, {"1": ""}),
        # What failed does not count, and goes once a finished run is newer.
        ([finished("1"), broken("2")], 1, {"1": "", "2": UNFINISHED}),
        ([broken("1"), finished("2"), broken("3")], 9, {"2": "", "3": UNFINISHED}),
        ([broken("1"), broken("2")], 1, {"1": UNFINISHED, "2": UNFINISHED}),
        ([broken("2", "crops"), finished("3")], 1, {"2": UNFINISHED, "3": ""}),
        # Of a problem that nobody knows.
        ([broken("1", ""), finished("2"), broken("3", ""), finished("4")], 2, {"2": "", "3": UNFINISHED, "4": ""}),
        ([broken("1", "")], 1, {"1": UNFINISHED}),
    ],
)
def test_the_newest_finished_runs_stay_and_what_is_of_use(
    candidates: list[Candidate], keep: int, kept: dict[str, str]
) -> None:
    assert kept_runs(candidates, keep) == kept
