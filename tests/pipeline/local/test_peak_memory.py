"""The most memory a node held: reset at its begin, children counted, shared by those that overlap."""

import subprocess
import sys
import time

import pytest

from pipeline.local import peak_memory
from pipeline.local.peak_memory import PeakMemory

MIB = 1 << 20
# What else a process may take or give back in the meantime.
SLACK = 40.0


def hold(mib: int) -> None:
    """Touches every page of so much memory, and gives it back."""
    held = bytearray(mib * MIB)
    held[::4096] = b"x" * len(held[::4096])


def peak_of(meter: PeakMemory, mib: int) -> float:
    meter.begin("node")
    hold(mib)
    peak = meter.end("node")
    assert peak is not None
    return peak


def test_a_large_node_shows_its_memory_and_a_later_small_one_does_not() -> None:
    with PeakMemory() as meter:
        before, large, after = peak_of(meter, 1), peak_of(meter, 200), peak_of(meter, 1)
    assert large - before == pytest.approx(200, abs=SLACK)
    assert after == pytest.approx(before, abs=SLACK)


def test_what_a_node_held_is_kept_when_another_begins_beside_it() -> None:
    with PeakMemory() as meter:
        small = peak_of(meter, 1)
        meter.begin("first")
        hold(200)
        meter.begin("second")
        second, first = meter.end("second"), meter.end("first")
    assert first is not None
    assert second is not None
    assert first - small == pytest.approx(200, abs=SLACK)
    assert second == pytest.approx(small, abs=SLACK)


def test_memory_of_a_child_process_is_counted_while_it_lives() -> None:
    script = "b = bytearray(300 << 20); b[::4096] = b'x' * len(b[::4096]); print('held', flush=True); input()"
    with PeakMemory() as meter:
        small = peak_of(meter, 1)
        meter.begin("node")
        with subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "held\n"
            # The meter looks a few times a second.
            time.sleep(4 * peak_memory._SAMPLE_SECONDS)
            child.communicate("\n")
        peak = meter.end("node")
    assert peak is not None
    assert peak - small == pytest.approx(310, abs=SLACK)


def test_where_the_kernel_does_not_tell_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert peak_memory.high_water(2**22 + 1) is None
    monkeypatch.setattr(peak_memory, "_reset_high_water", lambda: False)
    with PeakMemory() as meter:
        meter.begin("node")
        assert meter.end("node") is None
