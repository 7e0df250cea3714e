"""`python -m pipeline`: the commands that there are, and what is said of one that there is not."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from pipeline.__main__ import COMMANDS, main


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_module_that_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert find_spec(COMMANDS[name].module) is not None
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: python -m pipeline {name} ")


@pytest.mark.parametrize(("arguments", "told"), [([], "commands:\n  doctor "), (["--help"], "commands:\n  doctor ")])
def test_without_a_command_they_are_listed(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == (0 if arguments else 2)
    assert told in capsys.readouterr().out


def test_an_unknown_command_is_named_with_those_that_there_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "relase", "list"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "invalid choice: 'relase'" in done.stderr
    assert "'release'" in done.stderr
