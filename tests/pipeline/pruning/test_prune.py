"""Pruning real runs of a small graph: what goes, what stays, and that the next run and the next pruning work."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from ml_metadata.proto.metadata_store_pb2 import Artifact

from components.release.release_store import rollback
from pipeline.commands.runs import main
from pipeline.local.session import locked
from pipeline.metadata.connection import open_store
from pipeline.pruning.prune import prune
from schema.errors import InputError
from tests.pipeline.database_server import PASSWORD, Server
from tests.pipeline.release_graph import CACHED, NAME, Output

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def in_file(tmp_path: Path) -> Output:
    return Output(tmp_path)


def test_what_a_release_the_baseline_or_a_kept_run_stands_on_stays(output: Output) -> None:
    output.run("old")
    output.run("rows")
    output.run("rows", seed=2)
    output.forget_versions()
    assert len(output.artifacts("Trainer")) == 6

    told = prune(output.folder, 1, dry_run=False)

    assert output.runs() == [2]
    # The second run's model is the third's baseline, and its examples are the third's; the first's are gone.
    assert len(output.artifacts("Source")) == 1
    assert len(output.artifacts("Trainer")) == 4
    assert len(output.artifacts("Evaluator")) == 1
    assert told[0].startswith("removed 2 runs, 8 artifacts, ")
    assert output.run("rows", seed=2) == CACHED


def test_the_next_model_is_compared_with_the_same_baseline_as_without_pruning(output: Output) -> None:
    for seed in (1, 2):
        output.run(seed=seed)
    output.forget_versions()
    released, _ = judged(output)
    prune(output.folder, 1, dry_run=False)

    output.run(seed=3)

    assert judged(output)[1] == released


def judged(output: Output) -> list[str]:
    """The newest model that was judged, and what it was compared with, as the metadata store numbers them."""
    newest = max((output.root / "Evaluator" / "evaluation").iterdir(), key=lambda path: int(path.name))
    return (newest / "content").read_text(encoding="utf-8").split(" against ")


def test_what_was_pruned_is_computed_anew_and_in_folders_of_its_own(output: Output) -> None:
    output.run("old", blessed=0)
    pruned = output.artifacts("Source") | output.artifacts("Trainer")
    output.run("rows")
    prune(output.folder, 1, dry_run=False)
    kept = output.artifacts("Source") | output.artifacts("Trainer")
    assert not kept & pruned

    again = output.run("old", blessed=0)

    assert again["Source"] == again["Trainer"] == again["Evaluator"] == "ran"
    assert not (output.artifacts("Source") | output.artifacts("Trainer")) & pruned
    assert len(output.artifacts("Trainer")) == 4


def test_a_version_that_is_still_there_keeps_its_run_and_rollback_goes_to_it(in_file: Output) -> None:
    in_file.run("old")
    in_file.run("rows")

    told = prune(in_file.folder, 1, dry_run=False)

    assert in_file.runs() == [0, 1]
    first, second = sorted(int(path.name) for path in in_file.releases.glob("[0-9]*"))
    assert told[:3] == [
        "removed 0 runs, 0 artifacts, 0 bytes",
        "kept beyond the newest 1:",
        f"  run {in_file.ids[0]}: made version {first}, which is still there",
    ]
    assert rollback(in_file.releases) == first
    assert second > first
    # It answers otherwise than in the second run, pruning or not.
    assert in_file.run("old") == {**CACHED, "Baseline": "ran"}


def test_a_model_that_was_not_blessed_keeps_the_run_whose_model_was(in_file: Output) -> None:
    in_file.run(seed=1)
    for seed in (2, 3):
        assert in_file.run(seed=seed, blessed=0)["Pusher"] == "skipped"
    # Nothing is released any more, and still the next model has to be better than the first.
    for path in in_file.releases.glob("[0-9]*/*"):
        path.unlink()
        path.parent.rmdir()

    told = prune(in_file.folder, 1, dry_run=False)

    assert in_file.runs() == [0, 2]
    assert f"  run {in_file.ids[0]}: blessed the model that the next run is compared with" in told
    assert in_file.run(seed=3, blessed=0) == {**CACHED, "Pusher": "skipped"}


def test_what_a_failed_run_made_stays_until_a_finished_one_is_newer(in_file: Output) -> None:
    in_file.run("old")
    assert in_file.run("rows", blessed=-1)["ReleaseGate"] == "failed"

    prune(in_file.folder, 1, dry_run=False)

    assert in_file.runs() == [0, 1]
    resumed = in_file.run("rows")
    assert {resumed[node] for node in ("Source", "Trainer", "Evaluator")} == {"cached"}
    prune(in_file.folder, 2, dry_run=False)
    assert in_file.runs() == [0, 2]


def test_a_part_of_the_graph_goes_on_from_a_run_that_stays(in_file: Output) -> None:
    in_file.run("old")
    in_file.run("rows")
    in_file.forget_versions()
    prune(in_file.folder, 1, dry_run=False)

    assert in_file.run("rows", only="Evaluator")["Evaluator"] == "cached"


def test_a_part_of_the_graph_whose_run_is_gone_says_so(output: Output) -> None:
    output.run(blessed=0)
    # Of a graph in which the others failed, all that this part needs is of the first run.
    output.run("rows", seed=2, blessed=-1)
    output.run("rows", seed=3, only="Source")
    prune(output.folder, 1, dry_run=False)

    assert output.runs() == [2]
    with pytest.raises(InputError, match="or what it made has been pruned"):
        output.run(only="Pusher")


def test_pruning_twice_is_pruning_once(output: Output) -> None:
    for text in ("old", "rows"):
        output.run(text)
    output.forget_versions()
    prune(output.folder, 1, dry_run=False)
    left = listing(output.folder)

    assert prune(output.folder, 1, dry_run=False)[0] == "removed 0 runs, 0 artifacts, 0 bytes"
    assert listing(output.folder) == left


def test_on_a_server_the_rows_stay_and_it_is_said(output: Output) -> None:
    output.run("old", blessed=0)
    output.run("rows")
    told = prune(output.folder, 1, dry_run=False)

    assert (told[-1].startswith(f"rows stay in {output.settings.where};")) == output.settings.is_server
    if output.settings.is_server:
        every = open_store(output.settings).get_artifacts()
        states = [found.state for found in every if str(output.folder) in found.uri]
        assert (states.count(Artifact.DELETED), states.count(Artifact.LIVE)) == (5, 6)


def test_a_dry_run_changes_nothing_and_says_what_pruning_then_says(in_file: Output) -> None:
    for text in ("old", "rows"):
        in_file.run(text)
    in_file.forget_versions()
    before = listing(in_file.folder)

    would = prune(in_file.folder, 1, dry_run=True)

    assert listing(in_file.folder) == before
    did = prune(in_file.folder, 1, dry_run=False)
    assert would[0].replace("would remove", "removed") == did[0]
    assert would[1:] == did[1:]


def listing(folder: Path) -> dict[str, bytes]:
    """Every file by its path, with its content."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path): path.read_bytes() for path in files} | {
        str(path): b"" for path in folder.rglob("*") if path.is_dir()
    }


def test_a_shard_that_lies_in_the_cache_too_does_not_count_as_freed(in_file: Output) -> None:
    in_file.run("old", blessed=0)
    in_file.run("rows")
    (source,) = (path for path in (in_file.root / "Source" / "examples").iterdir() if int(path.name) == 1)
    (source / "own").write_bytes(b"x" * 200_000)
    (source / "shared").write_bytes(b"x" * 300_000)
    (source / "again").hardlink_to(source / "own")
    (in_file.folder / "cache").mkdir()
    (in_file.folder / "cache" / "shared").hardlink_to(source / "shared")

    assert prune(in_file.folder, 1, dry_run=False)[0] == "removed 1 run, 5 artifacts, 0.2 MB"
    assert (in_file.folder / "cache" / "shared").stat().st_size == 300_000


def test_folders_that_no_metadata_knows_go_and_what_is_not_tfx_s_stays(in_file: Output) -> None:
    in_file.run()
    orphan = in_file.root / "Trainer" / "model" / "99"
    left = in_file.root / "Trainer" / ".system" / "executor_execution" / "99"
    notes = in_file.root / "Trainer" / "model" / "notes"
    half = in_file.folder / "runs" / ".20130101T000000-000000.partial"
    for folder in (orphan, left, notes, half):
        folder.mkdir(parents=True)

    prune(in_file.folder, 1, dry_run=False)

    assert [folder.exists() for folder in (orphan, left, notes, half)] == [False, False, True, False]
    assert in_file.run() == CACHED


def test_a_run_that_left_no_metadata_goes_by_its_age(in_file: Output) -> None:
    runs = in_file.folder / "runs"
    for name in ("20000101T000000-000000", "29990101T000000-000000"):
        (runs / name).mkdir(parents=True)
    in_file.run()
    (runs / "latest").symlink_to("29990101T000000-000000")

    prune(in_file.folder, 1, dry_run=False)

    assert sorted(path.name for path in runs.iterdir()) == [in_file.ids[0], "29990101T000000-000000", "latest"]


def test_an_output_folder_that_was_copied_is_pruned_in_itself_alone(in_file: Output, tmp_path: Path) -> None:
    in_file.run("old", blessed=0)
    in_file.run("rows")
    before = listing(tmp_path)
    copy = tmp_path.with_name(f"{tmp_path.name}-copy")
    subprocess.run(["cp", "-a", str(tmp_path), str(copy)], check=True)

    assert prune(copy, 1, dry_run=False)[0].startswith("removed 1 run, 5 artifacts, ")

    assert listing(tmp_path) == before
    assert not (copy / "artifacts" / "Source" / "examples" / "1").exists()
    assert len(list((copy / "artifacts" / "Source" / "examples").iterdir())) == 1


def test_no_id_is_used_again(in_file: Output) -> None:
    in_file.run("old", blessed=0)
    in_file.run("rows", blessed=0)
    highest = rows(in_file, "SELECT max(id) FROM Execution")
    prune(in_file.folder, 1, dry_run=False)
    with closing(sqlite3.connect(in_file.folder / "metadata.sqlite")) as connection, connection:
        connection.execute("DELETE FROM Execution WHERE id = ?", highest[0])

    in_file.run("new", blessed=0)

    assert rows(in_file, f"SELECT count(*) FROM Execution WHERE id = {highest[0][0]}") == [(0,)]  # noqa: S608


def test_nothing_in_the_file_speaks_of_what_is_gone(in_file: Output) -> None:
    in_file.run("old", blessed=0)
    in_file.run("rows")
    prune(in_file.folder, 1, dry_run=False)

    for table, column, of in (
        *[("Event", "artifact_id", "Artifact"), ("Event", "execution_id", "Execution")],
        *[("EventPath", "event_id", "Event"), ("ArtifactProperty", "artifact_id", "Artifact")],
        *[("ExecutionProperty", "execution_id", "Execution"), ("ContextProperty", "context_id", "Context")],
        *[("Association", "execution_id", "Execution"), ("Association", "context_id", "Context")],
        *[("Attribution", "artifact_id", "Artifact"), ("Attribution", "context_id", "Context")],
        *[("ParentContext", "context_id", "Context"), ("ParentContext", "parent_context_id", "Context")],
    ):
        assert rows(in_file, f"SELECT * FROM {table} WHERE {column} NOT IN (SELECT id FROM {of})") == []  # noqa: S608
    contexts = "SELECT Context.name FROM Context JOIN Type ON type_id = Type.id WHERE Type.name = "
    assert rows(in_file, f"{contexts} 'pipeline_run'") == [(in_file.ids[1],)]
    assert rows(in_file, f"{contexts} 'pipeline'") == [(NAME,)]
    assert len(rows(in_file, f"{contexts} 'node'")) == len(CACHED)
    unused = "AND Context.id NOT IN (SELECT context_id FROM Association)"
    assert rows(in_file, f"{contexts} 'execution_cache' {unused}") == []


def rows(output: Output, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(output.folder / "metadata.sqlite")) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE MLMDEnv SET schema_version = 11", "schema version 10, that of ml-metadata 1.17. Received: 11"),
        ("DELETE FROM MLMDEnv", "Received: none"),
        ("DROP TABLE MLMDEnv", "not readable as ML Metadata's: no such table: MLMDEnv"),
        (
            "PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = replace(sql, 'AUTOINCREMENT', '') "
            "WHERE name = 'Execution'",
            "table Execution would use ids again",
        ),
    ],
)
def test_other_tables_are_left_alone(in_file: Output, change: str, told: str) -> None:
    in_file.run("old", blessed=0)
    in_file.run("rows")
    with closing(sqlite3.connect(in_file.folder / "metadata.sqlite")) as connection:
        connection.executescript(change)
    before = listing(in_file.folder)

    with pytest.raises(InputError, match=told):
        prune(in_file.folder, 1, dry_run=False)

    assert listing(in_file.folder) == before


# Ends the process as a power cut would, at a moment of the pruning.
SCRIPT = """
import os, signal, sys
from pathlib import Path
from pipeline.pruning import orphaned_folders, prune, sqlite_deletion
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
output, moment = Path(sys.argv[1]), sys.argv[2]
if moment == "in the transaction":
    whole = sqlite_deletion._STATEMENTS
    sqlite_deletion._STATEMENTS = (statement if place < 9 else die() for place, statement in enumerate(whole))
elif moment == "after the metadata":
    prune.Path.rename = die
elif moment == "before the folders":
    prune.remove = die
elif moment == "among the folders":
    seen = []
    prune.remove = lambda path: die() if len(seen) == 3 else (seen.append(path), orphaned_folders.remove(path))
prune.prune(output, 1, dry_run=False)
"""


@pytest.mark.parametrize(
    "moment", ["in the transaction", "after the metadata", "before the folders", "among the folders"]
)
@pytest.mark.parametrize("first", ["run", "prune"])
def test_a_pruning_that_was_killed_disturbs_neither_the_next_run_nor_the_next_pruning(
    in_file: Output, moment: str, first: str
) -> None:
    in_file.run("old", blessed=0)
    in_file.run("rows")

    killed = subprocess.run([sys.executable, "-c", SCRIPT, str(in_file.folder), moment], cwd=ROOT, check=False)

    assert killed.returncode == -signal.SIGKILL
    if first == "run":
        assert in_file.run("rows") == CACHED
        expected = [1, 2]
    else:
        expected = [1]
    prune(in_file.folder, len(expected), dry_run=False)
    assert in_file.runs() == expected
    assert {len(in_file.artifacts(node)) for node in ("Source", "Evaluator", "ReleaseGate", "Pusher")} == {1}
    assert not list((in_file.folder / "runs").glob(".*.partial"))
    again = in_file.run("old", blessed=0)
    assert again["Source"] == again["Trainer"] == "ran"


def test_a_folder_that_a_run_uses_is_not_pruned(in_file: Output, capsys: pytest.CaptureFixture[str]) -> None:
    in_file.run()

    with locked(in_file.folder):
        assert main(["prune", "--keep", "1", "--output", str(in_file.folder)]) == 2

    assert "another run is using it" in capsys.readouterr().err


def test_a_folder_without_runs_has_nothing_to_prune(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prune", "--keep", "1", "--output", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "removed 0 runs, 0 artifacts, 0 bytes\n"


def test_a_server_whose_password_is_not_there_is_named(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    if not output.settings.is_server:
        pytest.skip("a file has no password")
    output.run()
    monkeypatch.delenv("METADATA_PASSWORD")

    with pytest.raises(InputError, match="Export METADATA_PASSWORD"):
        prune(output.folder, 1, dry_run=False)


def test_a_server_that_is_lost_is_named_and_pruning_again_does_it(
    server: Server | None, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    if server is None:
        pytest.skip("a file is not lost")
    output.run("old", blessed=0)
    output.run("rows")
    before = listing(output.folder)

    def lose(paths: object) -> int:
        """At the moment before the artifacts are marked."""
        del paths
        server.kill()
        return 0

    monkeypatch.setattr("pipeline.pruning.prune.freed_bytes", lose)
    try:
        with pytest.raises(InputError, match=f"metadata: {server.store} at 127.0.0.1.* failed: .* prune again"):
            prune(output.folder, 1, dry_run=False)
    finally:
        server.start()
    assert listing(output.folder) == before
    monkeypatch.undo()
    monkeypatch.setenv("METADATA_PASSWORD", PASSWORD)
    assert prune(output.folder, 1, dry_run=False)[0].startswith("removed 1 run, 5 artifacts, ")
    assert output.run("rows") == CACHED
