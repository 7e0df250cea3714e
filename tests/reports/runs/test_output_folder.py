"""A wrong --output is told in one way by every command, and none makes the folder."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import reference
from pipeline.commands import devices, release, runs, tensorboard
from reports.__main__ import main as report
from reports.runs.output_folder import existing_output, project_command, shortened
from schema.errors import InputError

Main = Callable[[list[str]], int]

COMMANDS: dict[str, tuple[Main, list[str]]] = {
    "runs list": (runs.main, ["list"]),
    "runs prune": (runs.main, ["prune", "--keep", "1"]),
    "devices": (devices.main, []),
    "release list": (release.main, ["list"]),
    "release rollback": (release.main, ["rollback"]),
    "tensorboard": (tensorboard.main, []),
    "reports": (report, []),
    "reference": (reference.main, []),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_the_same_of_a_wrong_output(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main, arguments = COMMANDS[name]
    (tmp_path / "file").touch()

    for told, fault in (("nope", "no such folder"), ("file", "is a file, expected a folder")):
        assert main([*arguments, "--output", str(tmp_path / told)]) == 2
        written = capsys.readouterr()
        assert (written.out, written.err) == ("", f"--output {tmp_path / told}: {fault}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The root user, whom tests may run as, may read all.
    monkeypatch.setattr(os, "access", lambda *_: False)

    with pytest.raises(InputError, match=f"^--output {tmp_path}: no permission to read this folder$"):
        existing_output(str(tmp_path))


def test_a_relative_output_is_where_the_command_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()

    assert existing_output("out") == tmp_path / "out"


def test_a_printed_command_names_python_and_an_output_that_is_not_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))

    assert project_command("pipeline devices", tmp_path / "output", tmp_path) == ".venv/bin/python -m pipeline devices"
    assert project_command("a.b --c", tmp_path / "my out", tmp_path) == ".venv/bin/python -m a.b --c --output 'my out'"


def test_a_path_is_shortened_below_the_base_alone() -> None:
    assert shortened(Path("/home/ana/output/runs/1"), Path("/home/ana")) == "output/runs/1"
    assert shortened(Path("/elsewhere/1"), Path("/work")) == "/elsewhere/1"
