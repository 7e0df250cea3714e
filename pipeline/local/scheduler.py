"""Runs a graph's nodes, those that do not wait for each other at the same time."""

import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping

from pipeline.local.node_order import ready
from pipeline.local.node_result import NodeResult, Outcome, Progress, Status
from pipeline.local.shutdown import interrupt


class Overlap:
    """One run over a graph.

    Args:
        upstream: ids of the nodes that a node waits for, by node, in the graph's order.
        at_once: nodes that run at the same time, at most.
        work: runs a node; gives what became of it, an error included.
        progress: hears of each node, in the thread that calls `run`.
    """

    def __init__(
        self,
        upstream: Mapping[str, Collection[str]],
        at_once: int,
        work: Callable[[str], Outcome],
        progress: Progress,
    ) -> None:
        self._upstream, self._at_once, self._work, self._progress = upstream, at_once, work, progress
        self._outcomes: list[Outcome] = []
        self._running: dict[str, tuple[threading.Thread, float]] = {}
        self._ended: queue.SimpleQueue[Outcome] = queue.SimpleQueue()

    def run(self, stop: Callable[[], None]) -> list[Outcome]:
        """Runs until nothing can begin any more; after a failure nothing begins, and what runs is let finish.

        Args:
            stop: called on Ctrl-C or SIGTERM, before the nodes that run are interrupted.

        Returns:
            Outcomes in the order in which the nodes ended.
        """
        try:
            while self._step():
                pass
        except KeyboardInterrupt as error:
            stop()
            self._interrupt(type(error))
            if not any(isinstance(outcome.error, KeyboardInterrupt) for outcome in self._outcomes):
                raise
        return self._outcomes

    def _step(self) -> bool:
        chosen = self._next()
        if len(chosen) == 1 and not self._running:
            # Alone, in the caller's thread: there Ctrl-C and libraries behave as they do in a script.
            self._progress(chosen[0], None)
            self._settle(self._work(chosen[0]))
            return True
        for node in chosen:
            self._begin(node)
        if self._running:
            self._settle(self._ended.get())
            return True
        return False

    def _next(self) -> list[str]:
        if any(outcome.error for outcome in self._outcomes):
            return []
        waiting = ready(self._upstream, [outcome.result.id for outcome in self._outcomes], self._running)
        return waiting[: self._at_once - len(self._running)]

    def _begin(self, node: str) -> None:
        # A daemon: one that cannot be interrupted must not keep the process.
        thread = threading.Thread(target=self._in_thread, args=(node,), name=node, daemon=True)
        self._running[node] = thread, time.monotonic()
        self._progress(node, None)
        thread.start()

    def _in_thread(self, node: str) -> None:
        self._ended.put(self._work(node))

    def _settle(self, outcome: Outcome) -> None:
        self._running.pop(outcome.result.id, None)
        self._outcomes.append(outcome)
        self._progress(outcome.result.id, outcome.result)

    def _interrupt(self, kind: type[KeyboardInterrupt]) -> None:
        interrupt([thread for thread, _ in self._running.values()])
        while not self._ended.empty():
            outcome = self._ended.get()
            # Whatever it says of its end, such as a child process that was killed, this is why.
            self._settle(Outcome(outcome.result, outcome.error and kind()))
        for node, (_, began) in list(self._running.items()):
            self._settle(Outcome(NodeResult(node, Status.FAILED, time.monotonic() - began), kind()))
