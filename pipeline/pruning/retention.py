"""Which runs stay when old ones are pruned, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

UNFINISHED = "did not finish, and what it made serves the next run"


@dataclass(frozen=True)
class Candidate:
    """A run as pruning sees it.

    Attributes:
        run_id: by which runs are ordered in time.
        problem: the pipeline's name; empty where nothing tells it.
        finished: whether it came to its end, and the metadata store knows it.
        held_by: why it stays however old it is; empty if nothing holds it.
    """

    run_id: str
    problem: str
    finished: bool
    held_by: str = ""


def kept_runs(candidates: Sequence[Candidate], keep: int) -> dict[str, str]:
    """Ids of the runs that stay, each with why; that is empty for the newest `keep` finished ones of each problem.

    A run that did not finish does not count. It stays as long as no finished run of its problem is newer; one whose
    problem nobody knows, as long as not all that count are newer.
    """
    counted: dict[str, list[str]] = {}
    for candidate in sorted(candidates, key=lambda candidate: candidate.run_id, reverse=True):
        of_problem = counted.setdefault(candidate.problem, []) if candidate.finished else []
        if candidate.finished and len(of_problem) < keep:
            of_problem.append(candidate.run_id)
    # Unfinished runs that are older than these go.
    bounds = {problem: runs[0] for problem, runs in counted.items()}
    bounds[""] = min((run for runs in counted.values() for run in runs), default="")
    kept = {run: "" for runs in counted.values() for run in runs}
    for candidate in (found for found in candidates if found.run_id not in kept):
        if candidate.held_by:
            kept[candidate.run_id] = candidate.held_by
        elif not candidate.finished and candidate.run_id > bounds.get(candidate.problem, ""):
            kept[candidate.run_id] = UNFINISHED
    return kept
