"""Causes, from literals as the metadata store holds them."""

import json
from typing import Any

import pytest

from pipeline.metadata import cache_miss_reason
from pipeline.metadata.cache_miss_reason import (
    Before,
    Given,
    changes,
    why_answered,
    why_cached,
    why_not_reached,
    why_ran,
)

PRODUCERS = {"examples": "Transform", "model": "Trainer", "_ReleaseGate.blessing": "ReleaseGate"}
INPUTS = {"examples": [7], "model": [9]}


def custom_config(**changed: Any) -> str:
    """A Trainer's settings: JSON, with JSON in it."""
    network = {"epochs": 8, "hidden_units": [192, 96], "dropout": 0.2, **changed.pop("network", {})}
    values = {
        "bound": json.dumps({"problem": {"network": network, "split": {"key": None}}}),
        "training": json.dumps({"seed": 7, "strategy": "none"}),
        "fingerprint": "aa",
    }
    return json.dumps({**values, **changed})


def settings(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs between two executions that have nothing but settings."""
    return changes(Given(before, {}), Given(now, {}), {})


def test_equal_ones_have_no_difference_whatever_the_order_of_their_json() -> None:
    turned = json.dumps(dict(reversed(json.loads(custom_config()).items())))
    assert settings({"custom_config": custom_config(), "keep": 5}, {"keep": 5, "custom_config": turned}) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"training": json.dumps({"seed": 8, "strategy": "none"})}, "changed setting: training.seed"),
        ({"network": {"epochs": 9}}, "changed setting: bound.problem.network.epochs"),
        ({"network": {"hidden_units": [64]}}, "changed setting: bound.problem.network.hidden_units"),
        ({"network": {"knots": 4}}, "changed setting: bound.problem.network.knots"),
        ({"checkpoints": "/elsewhere"}, "changed setting: checkpoints"),
        ({"fingerprint": "bb"}, "changed source"),
    ],
)
def test_a_changed_value_is_named_by_its_path(changed: dict[str, Any], told: str) -> None:
    assert settings({"custom_config": custom_config()}, {"custom_config": custom_config(**changed)}) == [told]


def test_settings_that_are_no_json_are_named_themselves() -> None:
    before = {"eval_config": "{ not JSON", "keep": 5, "fingerprint": "aa", "tolerate": "[]", "gone": 1}
    now = {"eval_config": "{ not JSON!", "keep": 6, "fingerprint": "bb", "tolerate": '["a"]', "more": 1}
    assert settings(before, now) == ["changed source", "changed setting: eval_config, gone, keep and 2 more"]


def test_a_section_that_becomes_a_value_differs_by_both() -> None:
    assert settings({"a": json.dumps({"split": {"key": "date"}})}, {"a": json.dumps({"split": None})}) == [
        "changed setting: a.split, a.split.key"
    ]


def test_three_are_named_and_four_more_counted() -> None:
    before = dict.fromkeys("abcdefg", 1)
    assert settings(before, dict.fromkeys(before, 2)) == ["changed setting: a, b, c and 4 more"]
    assert settings({"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 2, "c": 2}) == ["changed setting: a, b, c"]


@pytest.mark.parametrize(
    ("fingerprint", "told"),
    [
        ("1:aa,2:bb,3:cc", ["new span: 3"]),
        ("1:aa,2:xx", ["changed span: 2"]),
        ("2:bb", ["left out span: 1"]),
        ("2:xx,3:cc", ["new span: 3", "changed span: 2", "left out span: 1"]),
        ("split:window,num_files:2", ["changed data"]),
        ("", ["changed data"]),
    ],
)
def test_other_data_are_told_by_span_and_what_follows_from_them_is_not(fingerprint: str, told: list[str]) -> None:
    before = {"input_fingerprint": "1:aa,2:bb", "input_config": '{"splits": ["span-02"]}', "span": 2}
    now = {"input_fingerprint": fingerprint, "input_config": '{"splits": ["span-03"]}', "span": 3}
    assert settings(before, now) == told


def test_without_other_data_the_driver_has_nothing_to_do_with_it() -> None:
    before = {"input_fingerprint": "1:aa", "span": 1}
    assert settings(before, {**before, "span": 2}) == ["changed setting: span"]


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (INPUTS, INPUTS, []),
        (INPUTS, {"examples": [8], "model": [9]}, ["new input: examples from Transform"]),
        (INPUTS, {"examples": [8], "model": [1]}, ["new input: examples from Transform, model from Trainer"]),
        ({}, {"base": [3]}, ["new input: base"]),
        (INPUTS, {"examples": [7], "model": []}, ["input gone: model from Trainer"]),
        ({"examples": [7, 8]}, {"examples": [8, 7]}, ["new input: examples from Transform"]),
        ({"base": []}, {}, []),
        ({"_ReleaseGate.blessing": [1]}, {"_ReleaseGate.blessing": [2]}, ["new input: blessing from ReleaseGate"]),
    ],
)
def test_another_input_is_named_with_the_node_it_comes_from(before: Any, now: Any, told: list[str]) -> None:
    assert changes(Given({}, before), Given({}, now), PRODUCERS) == told


GIVEN = Given({"keep": 5, "fingerprint": "aa"}, INPUTS)


@pytest.mark.parametrize(
    ("before", "caching", "told"),
    [
        (Before(), True, "first run of this node"),
        (Before(), False, "first run of this node"),
        (Before(attempt="failed"), True, "the last attempt failed"),
        (Before(GIVEN, kept=False), True, "earlier result is gone"),
        (Before(GIVEN), False, "caching is off (--no-cache)"),
        (Before(GIVEN), True, cache_miss_reason.DEFINITION),
        (Before(Given({"keep": 4, "fingerprint": "aa"}, INPUTS), kept=False), True, "changed setting: keep"),
        (
            Before(Given({"keep": 4, "fingerprint": "bb"}, {"model": [9]}), attempt="did not finish"),
            False,
            "caching is off (--no-cache); changed source; new input: examples from Transform; "
            "changed setting: keep; the last attempt did not finish",
        ),
    ],
)
def test_causes_are_joined_and_there_always_is_one(before: Before, caching: bool, told: str) -> None:
    assert why_ran(GIVEN, before, PRODUCERS, caching=caching) == told


def test_a_cached_result_is_of_the_run_that_made_it() -> None:
    assert why_cached("20261124T193644-815995", newest=True) == "nothing changed since run 20261124T193644-815995"
    assert why_cached("one", newest=False) == "the same as in run one"


@pytest.mark.parametrize(
    ("now", "before", "told"),
    [
        ([], None, "no other model was released before this one"),
        ([], [], "no other model was released before this one"),
        ([], [4], "no other model was released before this one"),
        ([4], None, "first run of this node"),
        ([4], [], "a model has been released since"),
        ([4], [4], "the same model as before"),
        ([5], [4], "another model than before"),
    ],
)
def test_a_resolver_is_told_by_its_answer(now: list[int], before: list[int] | None, told: str) -> None:
    assert why_answered(now, before) == told


def test_what_was_not_reached_names_what_stood_in_the_way() -> None:
    assert why_not_reached(["Trainer"], interrupted=False) == "not reached: Trainer failed"
    assert why_not_reached(["A", "B"], interrupted=True) == "not reached: interrupted in A and B"
    assert why_not_reached([], interrupted=False) == "stopped before it began"
