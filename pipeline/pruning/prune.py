"""Removes old runs with what they made, but nothing that a release, the baseline or a run that stays stands on."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.local.session import locked
from pipeline.pruning.lineage_graph import Ledger, Standing
from pipeline.pruning.metadata_backend import PrunableStore, open_stores
from pipeline.pruning.orphaned_folders import freed_bytes, remove, unknown_folders
from pipeline.pruning.retention import Candidate, kept_runs
from pipeline.pruning.sqlite_deletion import Rows
from reports.runs.stored_runs import State, StoredRun, read_runs
from reports.terminal.prune_lines import KeptArtifacts, Pruned, prune_lines
from schema.durable import move_folder

_FINISHED = ("pushed", "blessed", "not blessed", "finished")


@dataclass(frozen=True)
class _Part:
    """One metadata store: what it knows, what of that stays, and which rows go."""

    store: PrunableStore
    ledger: Ledger
    standing: Standing
    rows: Rows


def prune(output: Path, keep: int, *, dry_run: bool) -> list[str]:
    """Prunes an output folder; returns what was removed and what stayed, as lines of text.

    Metadata go first, since what they do not know is never looked for; then the runs' folders; then whatever folders
    belong to nothing, those that an earlier pruning which was killed has left included.

    Args:
        output: the folder, which must be there.
        keep: how many finished runs of each problem stay.
        dry_run: whether nothing is changed.

    Raises:
        InputError: if a run uses the folder, or its metadata cannot be read or changed.
    """
    with locked(output):
        runs = read_runs(output / "runs", held=False)
        stores = [(store, store.ledger()) for store in open_stores(output, [run.config for run in runs])]
        ledgers = [ledger for _, ledger in stores]
        kept = kept_runs(candidates(output, runs, ledgers), keep)
        parts = [_part(output, store, ledger, kept) for store, ledger in stores]
        old = [run.folder for run in runs if run.run_id not in kept]
        hidden = sorted((output / "runs").glob(".*.partial"))
        unknown = [folder for part in parts for folder in _unknown(part)]
        told = Pruned(
            runs=[run.run_id for run in runs if run.run_id not in kept],
            artifacts=sum(len(part.rows.artifacts) for part in parts),
            bytes=freed_bytes([*old, *hidden, *unknown]),
            held={run: why for run, why in sorted(kept.items(), reverse=True) if why},
            stood_on=[found for part in parts for found in _stood_on(part, kept)],
            notes=[part.store.note for part in parts if part.store.note],
        )
        if not dry_run:
            _remove(parts, old, hidden, unknown)
    return prune_lines(told, keep, dry_run=dry_run)


def candidates(output: Path, runs: Sequence[StoredRun], ledgers: Sequence[Ledger]) -> list[Candidate]:
    """The runs that have a folder or metadata, with what holds them."""
    folders = {run.run_id: run for run in runs}
    rows = {run: found for ledger in ledgers for run, found in ledger.runs.items()}
    holds = [_holds(output, ledger) for ledger in ledgers] + [_recorded_holds(output, runs)]
    held = {run: why for found in reversed(holds) for run, why in found.items()}
    return [
        Candidate(
            run_id,
            rows[run_id].problem if run_id in rows else folders[run_id].problem,
            run_id in rows and run_id in folders and _finished(folders[run_id]),
            held.get(run_id, ""),
        )
        for run_id in sorted({*folders, *rows})
    ]


def _finished(run: StoredRun) -> bool:
    return run.state is State.RECORDED and run.record.status in _FINISHED


def _holds(output: Path, ledger: Ledger) -> dict[str, str]:
    """Runs that made the baseline's blessing or a version on disk."""
    held = {}
    for problem in {rows.problem for rows in ledger.runs.values()}:
        baseline = ledger.baseline(problem)
        maker = baseline and ledger.maker(baseline[1])
        if maker:
            held[maker] = "blessed the model that the next run is compared with"
    for artifact, version in ledger.pushed(output / "pushed").items():
        maker = ledger.maker(artifact)
        if maker:
            held[maker] = _made(version)
    return held


def _recorded_holds(output: Path, runs: Sequence[StoredRun]) -> dict[str, str]:
    """The same of versions by the runs' records, where no metadata store tells it."""
    return {
        run.run_id: _made(run.version)
        for run in runs
        if run.version
        and {"id": "Pusher", "status": "ran"}.items() <= _node(run, "Pusher").items()
        and (output / "pushed" / run.problem / run.version).is_dir()
    }


def _made(version: str) -> str:
    return f"made version {version}, which is still there"


def _node(run: StoredRun, name: str) -> dict[str, object]:
    return next((node for node in run.record.nodes if node.get("id") == name), {})


def _part(output: Path, store: PrunableStore, ledger: Ledger, kept: Collection[str]) -> _Part:
    baselines = [ledger.baseline(problem) for problem in {rows.problem for rows in ledger.runs.values()}]
    roots = {artifact for found in baselines if found for artifact in found} | set(ledger.pushed(output / "pushed"))
    standing = ledger.standing([run for run in ledger.runs if run in kept], roots)
    rows = Rows(
        artifacts=ledger.present() - standing.artifacts,
        executions=ledger.executions.keys() - standing.executions,
        # One of which an execution stays tells by which run that was.
        contexts=[
            found.context
            for run, found in ledger.runs.items()
            if run not in kept and not found.executions & standing.executions
        ],
    )
    return _Part(store, ledger, standing, rows)


def _unknown(part: _Part) -> list[Path]:
    artifacts = {part.ledger.tail(artifact) for artifact in part.standing.artifacts & part.ledger.present()}
    return list(unknown_folders(part.store.root, artifacts, part.standing.executions))


def _stood_on(part: _Part, kept: Collection[str]) -> list[KeptArtifacts]:
    """What stays of runs that go."""
    made_by: dict[str, list[str]] = {}
    for artifact in sorted(part.standing.artifacts & part.ledger.present()):
        maker = part.ledger.maker(artifact)
        if maker not in kept:
            made_by.setdefault(maker or "", []).append(part.ledger.tail(artifact))
    return [KeptArtifacts(run, found) for run, found in made_by.items()]


def _remove(parts: Sequence[_Part], runs: Sequence[Path], hidden: Sequence[Path], unknown: Sequence[Path]) -> None:
    for part in parts:
        part.store.remove(part.rows)
    aside = [move_folder(run, run.with_name(f".{run.name}.partial")) for run in runs]
    for folder in [*hidden, *aside, *unknown]:
        remove(folder)
