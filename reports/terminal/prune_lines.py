"""What pruning removed and what it kept, on one screen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schema.first_few import first_few

_SHOWN = 10


@dataclass(frozen=True)
class KeptArtifacts:
    """Artifacts of a run that goes, which stay."""

    run_id: str
    artifacts: Sequence[str]


@dataclass(frozen=True)
class Pruned:
    """What pruning comes to.

    Attributes:
        runs: ids of those that go, newest first.
        artifacts: how many go.
        bytes: of files that are gone with them.
        held: ids of runs that stay beyond those asked for, with why.
        stood_on: artifacts that stay of runs that go.
        notes: what a metadata store has to say.
    """

    runs: Sequence[str]
    artifacts: int
    bytes: int
    held: Mapping[str, str]
    stood_on: Sequence[KeptArtifacts]
    notes: Sequence[str]


def prune_lines(pruned: Pruned, keep: int, *, dry_run: bool) -> list[str]:
    """The lines of one pruning.

    Args:
        pruned: what it came to, or would come to.
        keep: how many finished runs of each problem were asked for.
        dry_run: whether nothing was changed.
    """
    verb = "would remove" if dry_run else "removed"
    lines = [f"{verb} {_runs(len(pruned.runs))}, {_artifacts(pruned.artifacts)}, {size(pruned.bytes)}"]
    lines += _few([f"  {run}" for run in pruned.runs])
    if pruned.held:
        lines.append(f"kept beyond the newest {keep}:")
        lines += _few([f"  run {run}: {why}" for run, why in pruned.held.items()])
    if pruned.stood_on:
        lines.append("kept of runs that are gone, since what stays stands on it:")
        lines += _few([f"  {_of(found)}: {_named(found.artifacts)}" for found in pruned.stood_on])
    return [*lines, *pruned.notes]


def _of(found: KeptArtifacts) -> str:
    return f"run {found.run_id}" if found.run_id else "no run that is known"


def _named(artifacts: Sequence[str]) -> str:
    return first_few(artifacts, 3, ", ")


def _few(lines: Sequence[str]) -> list[str]:
    return [*lines[:_SHOWN], *([f"  and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else [])]


def _runs(count: int) -> str:
    return f"{count} run{'s' * (count != 1)}"


def _artifacts(count: int) -> str:
    return f"{count} artifact{'s' * (count != 1)}"


def size(count: int) -> str:
    """Bytes for people: 1,234 bytes, 12.3 MB."""
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count:,} bytes"
