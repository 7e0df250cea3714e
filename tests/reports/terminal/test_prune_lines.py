"""What pruning says it did, or would do."""

from typing import Any

import pytest

from reports.terminal.prune_lines import KeptArtifacts, Pruned, prune_lines, size


def pruned(**values: Any) -> Pruned:
    empty: dict[str, Any] = {"runs": [], "artifacts": 0, "bytes": 0, "held": {}, "stood_on": [], "notes": []}
    return Pruned(**{**empty, **values})


def test_what_goes_and_what_stays_is_named_with_why() -> None:
    told = pruned(
        runs=["b", "a"],
        artifacts=12,
        bytes=1_234_567,
        held={"c": "made version 8, which is still there"},
        stood_on=[
            KeptArtifacts("a", ["Trainer/model/7"]),
            KeptArtifacts("", [f"Transform/transform_graph/{number}" for number in range(5)]),
        ],
        notes=["rows stay"],
    )

    assert prune_lines(told, 3, dry_run=False) == [
        "removed 2 runs, 12 artifacts, 1.2 MB",
        "  b",
        "  a",
        "kept beyond the newest 3:",
        "  run c: made version 8, which is still there",
        "kept of runs that are gone, since what stays stands on it:",
        "  run a: Trainer/model/7",
        "  no run that is known: Transform/transform_graph/0, Transform/transform_graph/1, Transform/transform_graph/2 "
        "and 2 more",
        "rows stay",
    ]


def test_a_dry_run_says_that_nothing_was_done() -> None:
    assert prune_lines(pruned(runs=["a"], artifacts=1), 1, dry_run=True)[0] == (
        "would remove 1 run, 1 artifact, 0 bytes"
    )


def test_many_runs_stay_on_a_screen() -> None:
    lines = prune_lines(pruned(runs=[str(number) for number in range(25)]), 1, dry_run=False)

    assert len(lines) == 12
    assert lines[-1] == "  and 15 more"


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 bytes"), (99_999, "99,999 bytes"), (100_000, "0.1 MB"), (1_234_567_890, "1,234.6 MB")]
)
def test_bytes_are_told_for_people(count: int, told: str) -> None:
    assert size(count) == told
