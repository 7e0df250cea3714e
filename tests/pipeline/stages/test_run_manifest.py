"""What a run is recorded to have been made from."""

import json
import subprocess
from pathlib import Path

import pytest

from pipeline.config.pipeline_config import load_config
from pipeline.stages.run_manifest import commit, described


def git(folder: Path, *arguments: str) -> None:
    """A Git command with an author."""
    named = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True)


def test_the_commit_is_known_and_whether_files_differ_from_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1", encoding="utf-8")
    assert commit(tmp_path) is None

    git(tmp_path, "init")
    assert commit(tmp_path) is None

    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-m", "a")
    clean = commit(tmp_path)
    assert clean is not None
    assert len(clean) == 40

    (tmp_path / "a").write_text("2", encoding="utf-8")
    assert commit(tmp_path) == f"{clean} with uncommitted changes"


def test_where_there_is_no_git_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit(tmp_path) is None


def test_a_config_is_told_whole_and_without_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METADATA_PASSWORD", "hunter2")
    flags = [
        "network.epochs=3",
        "metadata.store=postgresql",
        "metadata.host=db",
        "metadata.database=d",
        "metadata.user=u",
    ]
    told = described(load_config("nyc_flights", output=str(tmp_path), window="1:9", sets=flags))

    assert told["problem"]["network"]["epochs"] == 3
    assert told["environment"]["metadata"]["password_variable"] == "METADATA_PASSWORD"
    assert told["window"] == "1:9"
    assert {"source", "seed", "versions"} <= set(told["lineage"])
    assert "hunter2" not in json.dumps(told)
