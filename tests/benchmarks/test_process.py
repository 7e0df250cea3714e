"""A process of its own: its memory, its exit code, its log."""

import os
import signal
import sys
from pathlib import Path

import pytest

from benchmarks.process import Finished, Sample, run
from schema.errors import InputError

SAMPLES = (Sample(10.0, 100.0), Sample(11.0, 300.0), Sample(12.0, 200.0))
FINISHED = Finished(started=9.5, seconds=3.0, code=0, samples=SAMPLES, log=Path("log"))

# Holds 200 MiB in a process below this one, so that only the tree shows it.
_CHILD = "import time; held = b'x' * (200 << 20); time.sleep(1.5)"
_PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_CHILD!r}], check=True)"


def test_the_memory_of_the_processes_below_counts(tmp_path: Path) -> None:
    finished = run([sys.executable, "-c", _PARENT], tmp_path / "log", tmp_path)
    assert 200 < finished.peak < 400
    assert len(finished.samples) > 3


def test_what_a_process_prints_goes_to_its_log(tmp_path: Path) -> None:
    script = "import sys; print('out'); sys.stdout.flush(); sys.stderr.write('err')"
    finished = run([sys.executable, "-c", script], tmp_path / "logs" / "log", tmp_path)
    assert finished.log.read_text(encoding="utf-8").split() == ["out", "err"]


def test_a_process_that_fails_is_told_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"ended with exit code 3\. Its output is in {tmp_path}/log"):
        run([sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "log", tmp_path)


def test_an_exit_code_may_be_accepted(tmp_path: Path) -> None:
    assert run([sys.executable, "-c", "raise SystemExit(4)"], tmp_path / "log", tmp_path, (0, 4)).code == 4


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(10.5, 12.5, 300.0), (11.5, 12.5, 200.0), (11.2, 11.3, 300.0), (0.0, 20.0, 300.0)]
)
def test_a_nodes_memory_is_the_largest_while_it_ran(start: float, end: float, expected: float) -> None:
    assert FINISHED.peak_between(start, end) == expected


def test_memory_before_the_first_sample_is_unknown() -> None:
    unknown = FINISHED.peak_between(1.0, 2.0)
    assert unknown != unknown


_PATIENT = """
import os, sys, time
try:
    print(os.getpid(), flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("cleaned", flush=True)
"""


def test_an_interrupt_reaches_the_process_which_may_clean_up(tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        with pytest.raises(KeyboardInterrupt):
            run([sys.executable, "-c", _PATIENT], tmp_path / "log", tmp_path)
    finally:
        signal.signal(signal.SIGALRM, before)
    process, said = (tmp_path / "log").read_text(encoding="utf-8").split()
    assert said == "cleaned"
    with pytest.raises(ProcessLookupError):
        os.kill(int(process), 0)
