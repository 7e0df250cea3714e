"""What /proc tells of this process and its children."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.process import process_tree

ROOT = Path(__file__).resolve().parents[3]
# A process that starts one that starts another, whose command's name has a space and a bracket, and ends them all.
FAMILY = """
import json, subprocess, sys
from pipeline.process.process_tree import descendants, kill_descendants
inner = "open('/proc/self/comm', 'w').write('a) b'); print('ready', flush=True); input()"
outer = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
child = subprocess.Popen([sys.executable, "-c", outer, inner], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
found = descendants()
kill_descendants()
child.stdout.read()
print(json.dumps({"child": child.pid, "found": found, "code": child.wait(), "left": descendants()}))
"""


def answer(script: str) -> str:
    """What a process of its own prints."""
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout


def test_children_and_their_children_are_found_and_ended() -> None:
    told = json.loads(answer(FAMILY))
    assert told["child"] in told["found"]
    assert len(told["found"]) == 2
    assert told["code"] == -9
    assert told["left"] == []


def test_a_process_knows_when_it_began() -> None:
    imported = "from pipeline.process.process_tree import started"
    script = f"import time; time.sleep(1.0)\n{imported}\nprint(time.monotonic() - started())"
    before = time.monotonic()
    age = float(answer(script))
    assert 1.0 <= age <= time.monotonic() - before + 0.05


def test_where_the_kernel_does_not_tell_the_process_begins_now(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process_tree, "_PROC", tmp_path / "absent")
    before = time.monotonic()
    assert before <= process_tree.started() <= time.monotonic()
    assert process_tree.descendants() == []
