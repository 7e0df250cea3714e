"""Calls timed in turn; the times themselves are not tested."""

import numpy as np
import pytest

from edge.benchmark.timing import in_turn, quietest
from schema.errors import InputError


def test_names_take_turns_and_begin_again_with_their_first_call() -> None:
    asked: list[str] = []
    calls = {"a": [lambda: asked.append("a0"), lambda: asked.append("a1")], "b": [lambda: asked.append("b0")]}

    seconds = in_turn(calls, rounds=2, runs=3, warm_up=1)

    assert asked[:2] == ["a0", "b0"]
    assert asked[2:8] == ["a1", "a0", "a1", "b0", "b0", "b0"]
    assert asked[8:] == ["a0", "a1", "a0", "b0", "b0", "b0"]
    assert {name: times.shape for name, times in seconds.items()} == {"a": (2, 3), "b": (2, 3)}
    assert min(np.min(times) for times in seconds.values()) >= 0


def test_a_name_without_calls_is_told() -> None:
    with pytest.raises(InputError, match="int8: at least one row is needed"):
        in_turn({"float32": [lambda: None], "int8": []}, rounds=1)


def test_all_names_are_judged_by_the_same_quietest_rounds() -> None:
    # Rounds take 5, 12, 4 and 13 together; b's own fastest round is the last.
    seconds = {"a": np.array([[1.0], [2.0], [1.0], [12.0]]), "b": np.array([[4.0], [10.0], [3.0], [1.0]])}

    half = quietest(seconds, share=0.5)

    np.testing.assert_array_equal(half["a"], [1.0, 1.0])
    np.testing.assert_array_equal(half["b"], [4.0, 3.0])
    np.testing.assert_array_equal(quietest(seconds, share=0.01)["b"], [3.0])
