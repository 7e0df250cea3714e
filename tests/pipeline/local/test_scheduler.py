"""Nodes that do not wait for each other run at the same time; a failure and Ctrl-C end the run in order."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from pipeline.local.node_result import NodeResult, Outcome, Status
from pipeline.local.scheduler import Overlap
from pipeline.local.shutdown import Terminated, treat_sigterm_as_interruption

DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
PATIENCE_SECONDS = 20


@pytest.fixture(autouse=True)
def _other_processes_of_the_tests_live_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.local.shutdown.kill_descendants", lambda: None)


def outcome(node: str, error: BaseException | None = None) -> Outcome:
    return Outcome(NodeResult(node, Status.FAILED if error else Status.RAN, 0.0), error)


class Told:
    """What progress hears."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.threads: set[int] = set()

    def __call__(self, node: str, result: NodeResult | None) -> None:
        self.lines.append(f"{'begin' if result is None else result.status} {node}")
        self.threads.add(threading.get_ident())


def run(
    work: Callable[[str], Outcome], at_once: int, graph: dict[str, list[str]] | None = None
) -> tuple[list[Outcome], Told]:
    told = Told()
    return Overlap(graph or DIAMOND, at_once, work, told).run(lambda: None), told


def names(outcomes: list[Outcome]) -> list[str]:
    return [each.result.id for each in outcomes]


def test_one_at_a_time_goes_in_the_graphs_order_in_the_callers_thread() -> None:
    threads = set()

    def work(node: str) -> Outcome:
        threads.add(threading.get_ident())
        return outcome(node)

    outcomes, told = run(work, 1)
    assert names(outcomes) == ["a", "b", "c", "d"]
    assert threads == {threading.get_ident()}
    assert told.lines == [line for node in "abcd" for line in (f"begin {node}", f"ran {node}")]


def test_independent_nodes_meet_and_what_waits_for_both_runs_alone_after_them() -> None:
    both, threads = threading.Barrier(2, timeout=PATIENCE_SECONDS), {}

    def work(node: str) -> Outcome:
        threads[node] = threading.get_ident()
        if node in "bc":
            both.wait()
        return outcome(node)

    outcomes, told = run(work, 2)
    assert names(outcomes)[0] == "a"
    assert names(outcomes)[-1] == "d"
    assert threads["a"] == threads["d"] == threading.get_ident()
    assert len({threads["b"], threads["c"], threads["a"]}) == 3
    assert told.lines[2:4] == ["begin b", "begin c"]
    assert told.threads == {threading.get_ident()}


def test_no_more_run_at_once_than_allowed() -> None:
    running, most, lock = set(), [], threading.Lock()

    def work(node: str) -> Outcome:
        with lock:
            running.add(node)
            most.append(len(running))
        time.sleep(0.02)
        with lock:
            running.discard(node)
        return outcome(node)

    outcomes, _ = run(work, 2, {name: [] for name in "abcdef"})
    assert sorted(names(outcomes)) == list("abcdef")
    assert max(most) == 2


def test_after_a_failure_what_runs_is_let_finish_and_nothing_begins() -> None:
    failed = threading.Event()

    def work(node: str) -> Outcome:
        if node == "b":
            failed.set()
            return outcome(node, ValueError("no"))
        if node == "c":
            assert failed.wait(PATIENCE_SECONDS)
            time.sleep(0.05)
        return outcome(node)

    outcomes, told = run(work, 2, {**DIAMOND, "e": ["a"]})
    assert names(outcomes) == ["a", "b", "c"]
    assert [str(each.error) for each in outcomes if each.error] == ["no"]
    assert not {"begin d", "begin e"} & set(told.lines)


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM])
def ending(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """A signal that interrupts a run."""
    before = signal.getsignal(signal.SIGTERM)
    treat_sigterm_as_interruption()
    yield request.param
    signal.signal(signal.SIGTERM, before)


def test_an_interruption_reaches_every_node_that_runs(ending: signal.Signals) -> None:
    stopped: list[str] = []
    told = Told()

    def endless(node: str) -> Outcome:
        if node == "c":
            os.kill(os.getpid(), ending)
        try:
            while node in "bc":
                time.sleep(0.01)
        except KeyboardInterrupt:
            stopped.append(node)
            # What a node says of its end is beside the point.
            return outcome(node, ValueError("a child process was killed"))
        return outcome(node)

    outcomes = Overlap(DIAMOND, 2, endless, told).run(lambda: stopped.append("run"))
    assert stopped[0] == "run"
    assert sorted(stopped[1:]) == ["b", "c"]
    assert sorted(names(outcomes)) == ["a", "b", "c"]
    kind = Terminated if ending == signal.SIGTERM else KeyboardInterrupt
    assert [type(each.error) for each in outcomes if each.result.id != "a"] == [kind] * 2
    assert {"failed b", "failed c"} < set(told.lines)


def test_a_node_that_cannot_be_interrupted_does_not_keep_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.local.shutdown._GRACE_SECONDS", 0.2)
    release = threading.Event()

    def work(node: str) -> Outcome:
        if node == "c":
            os.kill(os.getpid(), signal.SIGINT)
        if node == "b":
            # In one call of a lock, which a thread does not leave for an exception.
            with contextlib.suppress(KeyboardInterrupt):
                release.wait(PATIENCE_SECONDS)
        return outcome(node)

    try:
        outcomes, _ = run(work, 2)
    finally:
        release.set()
    last = {each.result.id: each for each in outcomes}["b"]
    assert isinstance(last.error, KeyboardInterrupt)
    assert last.result.status == Status.FAILED


def test_an_interruption_between_nodes_is_the_callers() -> None:
    def interrupted(node: str, result: NodeResult | None) -> None:
        if node == "a" and result is not None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Overlap(DIAMOND, 2, outcome, interrupted).run(lambda: None)
