"""Which earlier model a candidate is compared with."""

from collections.abc import Mapping

import pytest
from tfx.types import Artifact
from tfx.types.standard_artifacts import Model, ModelBlessing

from components.training.baseline import BaselineStrategy


def model(number: int) -> Model:
    """A model as the metadata store numbers it."""
    made = Model()
    made.id = number
    return made


def blessing(number: int, *, blessed: bool = True) -> ModelBlessing:
    """A ReleaseGate's verdict on a model."""
    made = ModelBlessing()
    made.set_int_custom_property("blessed", int(blessed))
    made.set_int_custom_property("current_model_id", number)
    return made


def resolve(models: list[int], verdicts: Mapping[int, bool], candidate: int) -> list[int]:
    """The baseline's number among these models, given the verdict on each."""
    inputs: dict[str, list[Artifact]] = {
        "model": [model(number) for number in models],
        "blessing": [blessing(number, blessed=verdict) for number, verdict in verdicts.items()],
        "candidate": [model(candidate)],
    }
    found = BaselineStrategy().resolve_artifacts(None, inputs)
    assert found.keys() == inputs.keys()
    return [artifact.id for artifact in found["model"]]


@pytest.mark.parametrize(
    ("models", "verdicts", "candidate", "baseline"),
    [
        ([1, 2, 3], {1: True, 2: True}, 3, [2]),
        ([3, 1, 2], {2: True, 1: True}, 3, [2]),  # whatever their order
        ([1, 2, 3], {1: True, 2: False}, 3, [1]),
        ([1, 2, 3], {1: True}, 3, [1]),  # 2 was never judged
        ([1, 2], {1: False}, 2, []),
        ([1], {}, 1, []),
        ([], {}, 1, []),
    ],
)
def test_it_is_the_newest_blessed_of_the_earlier_models(
    models: list[int], verdicts: Mapping[int, bool], candidate: int, baseline: list[int]
) -> None:
    assert resolve(models, verdicts, candidate) == baseline


def test_it_is_never_the_candidate_itself() -> None:
    # A second run whose Trainer is served from the cache: its model was blessed by the first.
    assert resolve([1, 2], {1: True, 2: True}, candidate=2) == [1]
    assert resolve([2], {2: True}, candidate=2) == []


def test_it_is_never_newer_than_the_candidate() -> None:
    # The data went back to an earlier window, and with it the cached model.
    assert resolve([1, 2, 3], {1: True, 2: True, 3: True}, candidate=2) == [1]


def test_a_model_that_is_blessed_twice_is_found_once() -> None:
    inputs: dict[str, list[Artifact]] = {
        "model": [model(1), model(2)],
        "blessing": [blessing(1), blessing(1)],
        "candidate": [model(2)],
    }

    assert [found.id for found in BaselineStrategy().resolve_artifacts(None, inputs)["model"]] == [1]


def test_a_blessing_without_a_verdict_blesses_nothing() -> None:
    inputs: dict[str, list[Artifact]] = {
        "model": [model(1)],
        "blessing": [ModelBlessing()],
        "candidate": [model(2)],
    }

    assert BaselineStrategy().resolve_artifacts(None, inputs)["model"] == []


def test_without_inputs_there_is_none() -> None:
    assert BaselineStrategy().resolve_artifacts(None, {}) == {"model": []}
