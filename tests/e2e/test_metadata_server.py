"""Whole runs with their metadata on a PostgreSQL server that these tests start."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import crops_flags
from tests.e2e.running import ROOT, Run, command, environment, run_local
from tests.e2e.test_resume import wait_for_epoch
from tests.pipeline.database_server import PASSWORD, Server, missing, running

TIMEOUT_SECONDS = 240


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if missing("postgresql"):
        pytest.skip(missing("postgresql"))
    with pytest.MonkeyPatch.context() as patch, running("postgresql") as started:
        patch.setenv("METADATA_PASSWORD", PASSWORD)
        yield started


@pytest.fixture(scope="module")
def flags(server: Server, crops_data: Path) -> list[str]:
    return [*crops_flags(crops_data), "--span-window", ":2020", *server.flags(wait_seconds=2)]


@pytest.fixture(scope="module")
def first(flags: list[str], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The second table, as the fixture `crops` has it in SQLite, and with debug messages."""
    return run_local(tmp_path_factory.mktemp("postgresql"), *flags, "--verbose")


def test_a_run_on_postgresql_pushes_what_one_on_sqlite_does(first: Run, crops: Run) -> None:
    assert first.code == 0, first.stdout + first.stderr
    theirs = crops.record
    assert first.statuses == {node["id"]: "ran" for node in theirs["nodes"]}
    assert first.record["status"] == theirs["status"] == "pushed"
    assert first.record["rows"] == theirs["rows"]
    assert first.record["metrics"]["candidate"] == pytest.approx(theirs["metrics"]["candidate"], abs=1e-3)
    assert not (first.output / "metadata.sqlite").exists()


def test_a_second_run_is_cached_and_parts_of_it_go_on_from_it(first: Run, flags: list[str]) -> None:
    again = run_local(first.output, *flags)
    assert again.code == 0, again.stdout
    assert set(again.statuses.values()) == {"cached"}
    assert again.record["pushed"] == first.record["pushed"]
    late = run_local(first.output, *flags, "--from", "Evaluator")
    assert late.code == 0, late.stdout
    assert [node for node, status in late.statuses.items() if status == "cached"] == [
        *["Evaluator", "ReleaseGate", "ModelCard", "Pusher"]
    ]
    alone = run_local(first.output, *flags, "--only", "Evaluator", "--no-cache")
    assert alone.code == 0, alone.stdout
    assert {node for node, status in alone.statuses.items() if status != "skipped"} == {"Evaluator"}


def test_another_output_folder_takes_nothing_from_this_one(first: Run, flags: list[str], tmp_path: Path) -> None:
    assert first.code == 0
    other = run_local(tmp_path / "theirs", *flags, "--to", "StatisticsGen")
    assert other.code == 0, other.stdout
    assert {other.statuses[node] for node in ("ExampleGen", "ImportSchemaGen", "StatisticsGen")} == {"ran"}


def test_the_password_is_in_no_file_of_the_run(first: Run) -> None:
    files = [path for path in first.output.rglob("*") if path.is_file()]
    assert "MetadataStore with DB connection" in (first.folder / "run.log").read_text(encoding="utf-8")
    assert [path for path in files if b"pass word" in path.read_bytes()] == []
    assert "pass word" not in first.stdout + first.stderr


def test_a_server_lost_during_training_is_named_and_the_run_resumes(
    first: Run, flags: list[str], server: Server
) -> None:
    # Enough epochs that the kill falls into the training, and none that ends it early.
    long = [*flags, "--set", "network.epochs=30", "--set", "network.patience=30"]
    started = subprocess.Popen(
        command(first.output, *long),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for_epoch(first.output, 2)
        server.kill()
        told, _ = started.communicate(timeout=TIMEOUT_SECONDS)
    finally:
        started.kill()
        server.start()
    lost = Run(started.returncode, told, "", first.output)
    assert lost.code == 2
    assert "failed: metadata: postgresql at 127.0.0.1" in lost.stdout
    assert "Connection refused. Once it is back, run the same command again" in lost.stdout
    assert "pass word" not in lost.stdout
    assert (lost.record["status"], lost.record["pushed"]) == ("failed", None)

    again = run_local(first.output, *long)

    assert again.code == 0, again.stdout
    assert (again.statuses["Transform"], again.statuses["Trainer"]) == ("cached", "ran")


def test_a_dry_run_asks_for_the_server_and_writes_nothing_there(flags: list[str], tmp_path: Path) -> None:
    dry = run_local(tmp_path / "output", *flags, "--dry-run", "--set", "metadata.database=nope")
    assert dry.code == 0
    assert "metadata: postgresql at 127.0.0.1" in dry.stdout
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize(
    ("flag", "password", "told"),
    [
        ("metadata.user=mlmd", None, "Export METADATA_PASSWORD"),
        ("metadata.user=mlmd", "another", "password authentication failed"),
        ("metadata.database=nope", PASSWORD, "Create it (CREATE DATABASE), or mend metadata.database"),
        ("metadata.port=1", PASSWORD, "Connection refused. Start the server"),
        ("metadata.host=nowhere.invalid", PASSWORD, "mend metadata.host"),
        ("metadata.store=sqlite", PASSWORD, "while store is sqlite"),
    ],
)
def test_what_is_amiss_is_told_before_a_run_begins(
    flags: list[str], tmp_path: Path, flag: str, password: str | None, told: str
) -> None:
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "METADATA_PASSWORD")}
    if password is not None:
        variables["METADATA_PASSWORD"] = password
    wrong = command(tmp_path / "output", *flags, "--set", flag)
    ended = subprocess.run(
        wrong, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )
    assert ended.returncode == 2
    assert told in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "output").exists()
