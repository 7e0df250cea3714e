"""How an interrupted run ends: its threads, their child processes, and the process."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# Longer than a thread needs that waits for nothing any more.
THREAD = """
import subprocess, sys, threading
from pipeline.local import shutdown
shutdown._GRACE_SECONDS = 30.0
begun, ended = threading.Event(), []
def work():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    begun.set()
    try:
        child.wait()
    except KeyboardInterrupt:
        ended.append("interrupted")
thread = threading.Thread(target=work, daemon=True)
thread.start()
begun.wait()
shutdown.interrupt([thread])
print(thread.is_alive(), ended)
"""
# A thread that no exception reaches would keep the process for minutes.
STUCK = """
import sys, threading, time
from pipeline.local.shutdown import leave
threading.Thread(target=time.sleep, args=(300,)).start()
sys.stdout.write("told")
leave(130)
"""


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_thread_that_waits_for_a_child_process_is_interrupted() -> None:
    assert run(THREAD).stdout == "False ['interrupted']\n"


def test_an_interrupted_process_leaves_whatever_its_threads_do_and_what_it_said_is_there() -> None:
    done = run(STUCK)
    assert (done.returncode, done.stdout) == (130, "told")


# As a supervisor ends it: once, and again while it ends.
SIGTERM = """
import os, signal, sys, time
from pipeline.local.shutdown import interruption_code, leave, treat_sigterm_as_interruption
treat_sigterm_as_interruption()
try:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
except KeyboardInterrupt as error:
    os.kill(os.getpid(), signal.SIGTERM)
    sys.stdout.write("cleaned up")
    leave(interruption_code(error))
"""


def test_sigterm_is_an_interruption_and_a_second_one_does_not_disturb_its_end() -> None:
    done = run(SIGTERM)
    assert (done.returncode, done.stdout) == (143, "cleaned up"), done.stderr


@pytest.mark.parametrize("code", [0, 2, 4])
def test_any_other_end_is_an_ordinary_one(code: int) -> None:
    script = f"import atexit; from pipeline.local.shutdown import leave; atexit.register(print, 'bye'); leave({code})"
    done = run(script)
    assert (done.returncode, done.stdout) == (code, "bye\n")
