"""A process that lives no longer than who started it, however busy it is."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from schema.child import ORPHANED, child_command

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 30
# It waits in C for a minute with the interpreter's lock held: no thread of its own could end it.
BUSY = """
import ctypes, os, sys
from pathlib import Path
Path(sys.argv[1]).write_text(str(os.getpid()))
ctypes.PyDLL(None).sleep(60)
"""
PARENT = """
import subprocess, sys
from schema.child import child_command
subprocess.run(child_command(sys.argv[1], [sys.argv[2]]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends the child, and other systems' does not")
def test_a_busy_child_ends_at_once_when_its_parent_is_killed(tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(BUSY, encoding="utf-8")
    told = tmp_path / "told"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "busy.py"), str(told)], cwd=ROOT)
    wait_for(lambda: told.is_file() and told.read_text(encoding="utf-8") != "")
    child = int(told.read_text(encoding="utf-8"))
    assert runs(child)
    parent.kill()
    parent.wait()
    began = time.monotonic()
    wait_for(lambda: not runs(child))
    assert time.monotonic() - began < 2


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > until:
            raise TimeoutError("it did not come about")
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="on other systems nobody asks whose child it is")
def test_a_child_whose_parent_had_gone_before_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(BUSY, encoding="utf-8")
    command = child_command(str(tmp_path / "busy.py"), [str(tmp_path / "told")])
    command[command.index(str(os.getpid()))] = "1"
    assert subprocess.run(command, check=False).returncode == ORPHANED
    assert not (tmp_path / "told").exists()


def test_a_child_gets_its_arguments_and_its_end_is_the_targets(tmp_path: Path) -> None:
    (tmp_path / "target.py").write_text("import sys\nprint(__name__, sys.argv[1:])\nsys.exit(7)\n", encoding="utf-8")
    for target in (str(tmp_path / "target.py"), "target"):
        done = subprocess.run(
            child_command(target, ["--a", "b"]),
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (7, "__main__ ['--a', 'b']\n"), done.stderr


def test_a_child_that_is_interrupted_ends_by_that_signal(tmp_path: Path) -> None:
    (tmp_path / "target.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nimport time\ntime.sleep(60)\n", encoding="utf-8"
    )
    done = subprocess.run(child_command(str(tmp_path / "target.py")), capture_output=True, check=False)
    assert done.returncode == -signal.SIGINT
