"""Times of calls that are made in turn, so that whatever else the machine does falls on all alike."""

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, islice
from typing import Any

import numpy as np

from edge.runtime.litert_model import Array
from schema.errors import InputError

Call = Callable[[], Any]

# A machine that is left alone for a quarter of the time is measured as one that always is.
_QUIET = 0.25


def in_turn(calls: Mapping[str, Sequence[Call]], rounds: int, runs: int = 1, warm_up: int = 1) -> dict[str, Array]:
    """Times the calls of several names, round by round.

    A machine that others use is slow for seconds at a time, which is longer than all calls of one name take: timed one
    name after the other, equal models were found to differ by a half.

    Args:
        calls: for each name the calls it makes, over and over.
        rounds: how often each name has its turn.
        runs: timed calls a turn; more than one keep the model in the processor's caches, as where nothing else runs.
        warm_up: calls of each name before the first round, not timed.

    Returns:
        Seconds of each timed call by name, float64 [rounds, runs].

    Raises:
        InputError: naming what has no call.
    """
    for name, made in calls.items():
        if not made:
            raise InputError(f"{name}: at least one row is needed to time it. Received: none")
    turns = {name: cycle(made) for name, made in calls.items()}
    for _ in range(warm_up):
        for turn in turns.values():
            next(turn)()
    seconds = {name: np.empty((rounds, runs)) for name in calls}
    for number in range(rounds):
        for name, turn in turns.items():
            seconds[name][number] = [_seconds(call) for call in islice(turn, runs)]
    return seconds


def quietest(seconds: Mapping[str, Array], share: float = _QUIET) -> dict[str, Array]:
    """The rounds in which all names together took least, the same rounds for each name.

    Where a machine is fast for one half of the rounds and slow for the other, the median of all rounds is either, by a
    hair; that of the quietest ones is what the model takes when it is left alone.

    Args:
        seconds: of in_turn, [rounds, runs] by name.
        share: of the rounds that are kept, in (0, 1]; at least one is.

    Returns:
        Seconds by name, float64 [kept * runs].
    """
    rounds = np.sum([times.sum(axis=1) for times in seconds.values()], axis=0)
    kept = np.sort(np.argsort(rounds, kind="stable")[: max(1, round(share * len(rounds)))])
    return {name: times[kept].ravel() for name, times in seconds.items()}


def _seconds(call: Call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
