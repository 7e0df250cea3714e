"""What a training takes over from an earlier model: by value, and with a word on what it cannot."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from models.network.network import build_network
from models.network.weight_layout import Layout, layout_of, rank_shift
from models.preprocessing.statistics import Statistics
from models.training.warm_start import Transfer, UnfitWeightsError, load_weights, save_weights, saved_weights
from schema.bound import BoundProblem
from schema.problem import Encoding, Feature, Task
from tests.models.training_case import HOURS, STATISTICS, bound_problem

TENSORS = 12  # of the network of the case
VALUES = {"carrier": [2, 3, 4], "hour": [1, 2, 4], "distance": [0.0, 0.4, 0.9], "wind": [0.1, 0.5, 1.0]}


def network_of(bound: BoundProblem, statistics: Statistics = STATISTICS, seed: int = 1) -> tf_keras.Model:
    """An untrained network whose every weight is drawn, biases too."""
    tf_keras.utils.set_random_seed(seed)
    network = build_network(bound, statistics)
    random = np.random.default_rng(seed)
    network.set_weights([random.normal(size=value.shape).astype(np.float32) for value in network.get_weights()])
    return network


def with_features(
    bound: BoundProblem, domains: dict[str, tuple[int, int]] | None = None, **features: Any
) -> BoundProblem:
    """The problem with other features and domains."""
    problem = bound.problem.model_copy(update={"features": features})
    return bound.model_copy(update={"problem": problem, "domains": {"hour": HOURS} if domains is None else domains})


def answers(network: tf_keras.Model, bound: BoundProblem, values: dict[str, list[Any]]) -> Any:
    """Logits of rows."""
    return network({name: tf.constant(values[name]) for name in bound.problem.features}).numpy()


def moved(
    tmp_path: Path,
    before: tuple[BoundProblem, Statistics],
    now: tuple[BoundProblem, Statistics],
    *,
    required: bool = False,
) -> tuple[tf_keras.Model, tf_keras.Model, tf_keras.Model, Transfer]:
    """The saved network, the fresh one, the one that began with what was saved, and what is said of it."""
    saved, fresh, network = network_of(*before, seed=1), network_of(*now, seed=2), network_of(*now, seed=2)
    save_weights(saved, tmp_path / "weights.npz", *before)
    return saved, fresh, network, load_weights(network, tmp_path / "weights.npz", *now, required=required)


def weight(network: tf_keras.Model, layer: str, place: int = 0) -> Any:
    """One of a layer's weights."""
    return network.get_layer(layer).get_weights()[place]


def test_the_same_network_is_taken_over_whole(tmp_path: Path) -> None:
    same = (bound_problem(), STATISTICS)

    saved, _, network, transfer = moved(tmp_path, same, same, required=True)

    np.testing.assert_equal(network.get_weights(), saved.get_weights())
    assert transfer == Transfer(TENSORS, TENSORS)
    np.testing.assert_equal(saved_weights(network, tmp_path / "weights.npz", *same), saved.get_weights())


def test_a_term_keeps_its_vectors_wherever_it_stands(tmp_path: Path) -> None:
    # CARRIERS are AA, B6 and DL: B6 was the most frequent, DL was not there, and UA is no more.
    before = Statistics({"carrier": (b"B6", b"UA", b"AA")}, STATISTICS.boundaries)
    bound = bound_problem()

    saved, fresh, network, transfer = moved(tmp_path, (bound, before), (bound, STATISTICS), required=True)

    old, start, new = (weight(one, "deep_embedding_carrier") for one in (saved, fresh, network))
    for now, then in ((0, 0), (1, 1), (2, 4), (3, 2)):  # missing, unseen, AA, B6
        np.testing.assert_array_equal(new[now], old[then])
    np.testing.assert_array_equal(new[4], start[4])  # DL
    assert transfer == Transfer(TENSORS, TENSORS, new=("feature 'carrier': 1 of 5 ids are new",))


def test_an_integer_keeps_its_vectors_when_its_domain_grows_at_both_ends(tmp_path: Path) -> None:
    bound = bound_problem()
    grown = bound.model_copy(update={"domains": {"hour": (-2, 4)}})  # from 0 to 3

    saved, fresh, network, transfer = moved(tmp_path, (bound, STATISTICS), (grown, STATISTICS), required=True)

    old, start, new = (weight(one, "wide_embedding_hour") for one in (saved, fresh, network))
    np.testing.assert_array_equal(new[0], old[0])  # out of domain
    np.testing.assert_array_equal(new[3:7], old[1:5])  # 0 to 3, ids of 3 and up now
    np.testing.assert_array_equal(new[[1, 2, 7]], start[[1, 2, 7]])
    assert transfer.new == ("feature 'hour': 3 of 8 ids are new",)


def test_a_domain_that_shrank_leaves_the_values_that_remain_their_answers(tmp_path: Path) -> None:
    bound = bound_problem()
    shrunk = bound.model_copy(update={"domains": {"hour": (1, 3)}})

    saved, _, network, transfer = moved(tmp_path, (bound, STATISTICS), (shrunk, STATISTICS), required=True)

    before = answers(saved, bound, {**VALUES, "hour": [2, 3, 4]})  # hours 1, 2 and 3
    after = answers(network, shrunk, {**VALUES, "hour": [1, 2, 3]})
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)
    assert transfer == Transfer(TENSORS, TENSORS)


def test_a_domain_that_moved_without_growing_is_no_other_values_table(tmp_path: Path) -> None:
    bound = bound_problem()
    later = bound.model_copy(update={"domains": {"hour": (1, 4)}})  # from 0 to 3: of the same size

    saved, _, network, _ = moved(tmp_path, (bound, STATISTICS), (later, STATISTICS))

    np.testing.assert_array_equal(
        weight(network, "deep_embedding_hour")[1:4], weight(saved, "deep_embedding_hour")[2:5]
    )


def test_features_go_by_name_whatever_their_order(tmp_path: Path) -> None:
    bound = bound_problem()
    turned = with_features(bound, **dict(reversed(bound.problem.features.items())))

    saved, _, network, transfer = moved(tmp_path, (bound, STATISTICS), (turned, STATISTICS), required=True)

    np.testing.assert_allclose(answers(network, turned, VALUES), answers(saved, bound, VALUES), rtol=1e-5, atol=1e-5)
    assert transfer == Transfer(TENSORS, TENSORS)


def test_a_feature_that_is_new_starts_afresh_beside_those_that_stay(tmp_path: Path) -> None:
    bound = bound_problem()
    wind = Feature(encoding=Encoding.QUANTILES, buckets=8)
    more = with_features(bound, wind=wind, **bound.problem.features)
    known = Statistics(STATISTICS.vocabularies, {"wind": STATISTICS.boundaries["distance"], **STATISTICS.boundaries})

    saved, fresh, network, transfer = moved(tmp_path, (bound, STATISTICS), (more, known), required=True)

    # 2 categories of 2 inputs, then 5 inputs of each number, the new one first.
    old, start, new = (weight(one, "deep_1", 1) for one in (saved, fresh, network))
    np.testing.assert_array_equal(new[:4], old[:4])
    np.testing.assert_array_equal(new[4:9], start[4:9])
    np.testing.assert_array_equal(new[9:], old[4:])
    np.testing.assert_array_equal(weight(network, "deep_1")[:, 9:], weight(saved, "deep_1")[:, 4:])  # members' scales
    assert transfer == Transfer(TENSORS, TENSORS, new=("feature 'wind' is new",))


def test_a_feature_that_is_gone_takes_its_rows_along(tmp_path: Path) -> None:
    bound = bound_problem()
    features = bound.problem.features
    fewer = with_features(bound, {}, carrier=features["carrier"], distance=features["distance"])

    saved, _, network, transfer = moved(tmp_path, (bound, STATISTICS), (fewer, STATISTICS), required=True)

    old = weight(saved, "deep_1", 1)
    np.testing.assert_array_equal(weight(network, "deep_1", 1), np.concatenate([old[:2], old[4:]]))
    assert transfer == Transfer(TENSORS - 2, TENSORS - 2, new=("feature 'hour' is gone",))


def test_a_feature_that_is_encoded_otherwise_is_lost_and_the_rest_is_not(tmp_path: Path) -> None:
    bound = bound_problem()
    changed = with_features(
        bound, **{**bound.problem.features, "hour": Feature(encoding=Encoding.QUANTILES, buckets=8)}
    )
    changed = changed.model_copy(update={"domains": {}})
    known = Statistics(STATISTICS.vocabularies, {"hour": STATISTICS.boundaries["distance"], **STATISTICS.boundaries})

    saved, _, network, transfer = moved(tmp_path, (bound, STATISTICS), (changed, known))

    assert transfer.lost == ("feature 'hour': encoding identity became quantiles",)
    np.testing.assert_array_equal(weight(network, "deep_embedding_carrier"), weight(saved, "deep_embedding_carrier"))
    with pytest.raises(UnfitWeightsError, match="feature 'hour': encoding identity became quantiles"):
        moved(tmp_path, (bound, STATISTICS), (changed, known), required=True)


def test_ranks_are_taken_over_after_a_change_of_unit_and_a_shift_is_told(tmp_path: Path) -> None:
    bound = bound_problem()
    miles = STATISTICS.boundaries["distance"]
    kilometres = Statistics(STATISTICS.vocabularies, {"distance": tuple(1.609 * mile for mile in miles)})
    nearer = Statistics(STATISTICS.vocabularies, {"distance": tuple(mile**2 / 1000 for mile in miles)})

    saved, _, network, unit = moved(tmp_path, (bound, STATISTICS), (bound, kilometres))
    *_, shift = moved(tmp_path, (bound, STATISTICS), (bound, nearer))

    np.testing.assert_equal(network.get_weights(), saved.get_weights())
    assert shift.taken == unit.taken == TENSORS
    # A value of 1/4 of the range ranked 1/4; half of the values lie below it now, since 1/4 = (1/2)^2.
    assert shift.shifted == (
        "feature 'distance': the same values rank up to 0.25 apart from before; ranks were taken over",
    )
    # Of a change of unit no more is seen than that the numbers differ.
    assert "rank up to" in unit.shifted[0]


def test_rank_shift_is_the_largest_distance_between_the_two_distributions() -> None:
    assert rank_shift((0.0, 1.0, 2.0), (0.0, 1.0, 2.0)) == 0.0
    assert rank_shift((0.0, 0.25, 1.0), (0.0, 0.5, 1.0)) == pytest.approx(0.25)


def test_a_regressions_answers_stay_in_the_labels_unit(tmp_path: Path) -> None:
    bound = bound_problem(Task.REGRESSION)
    before = Statistics(STATISTICS.vocabularies, STATISTICS.boundaries, label_mean=100.0, label_scale=20.0)
    now = Statistics(STATISTICS.vocabularies, STATISTICS.boundaries, label_mean=130.0, label_scale=5.0)

    saved, _, network, _ = moved(tmp_path, (bound, before), (bound, now), required=True)

    np.testing.assert_allclose(
        answers(network, bound, VALUES) * 5 + 130, answers(saved, bound, VALUES) * 20 + 100, rtol=1e-4, atol=1e-3
    )


def test_outputs_for_other_classes_are_lost(tmp_path: Path) -> None:
    bound = bound_problem(Task.MULTICLASS)
    turned = bound.model_copy(
        update={"problem": bound.problem.model_copy(update={"classes": ("late", "in time", "early")})}
    )

    _, fresh, network, transfer = moved(tmp_path, (bound, STATISTICS), (turned, STATISTICS))

    assert transfer.lost == (
        "outputs: multiclass 'late' of early, in time, late became multiclass 'late' of late, in time, early",
    )
    np.testing.assert_array_equal(weight(network, "head"), weight(fresh, "head"))
    np.testing.assert_array_equal(weight(network, "wide_embedding_hour"), weight(fresh, "wide_embedding_hour"))


def test_other_widths_are_lost_one_by_one(tmp_path: Path) -> None:
    wide = bound_problem(embedding_size=4)

    saved, _, network, transfer = moved(tmp_path, (wide, STATISTICS), (bound_problem(), STATISTICS))

    assert transfer.lost[0] == "deep_embedding_carrier/embeddings:0: expected shape (5, 2). Received: (5, 4)"
    np.testing.assert_array_equal(weight(network, "head"), weight(saved, "head"))
    # The numbers' rows of the first dense layer, behind those of two embeddings.
    np.testing.assert_array_equal(weight(network, "deep_1", 1)[4:], weight(saved, "deep_1", 1)[8:])


@pytest.mark.parametrize("content", [None, b"", b"not an archive", b"PK\x03\x04 half an archive"])
def test_a_file_that_cannot_be_read_is_told_and_where_required_refused(content: bytes | None, tmp_path: Path) -> None:
    bound, file = bound_problem(), tmp_path / "weights.npz"
    network, fresh = network_of(bound), network_of(bound)
    if content is not None:
        file.write_bytes(content)

    transfer = load_weights(network, file, bound, STATISTICS)

    assert transfer.taken == 0
    assert f"{file} is not readable" in transfer.lost[0]
    np.testing.assert_equal(network.get_weights(), fresh.get_weights())
    with pytest.raises(UnfitWeightsError, match="is not readable"):
        load_weights(network, file, bound, STATISTICS, required=True)


def test_weights_that_do_not_say_what_they_stand_for_are_not_taken_over(tmp_path: Path) -> None:
    bound, file = bound_problem(), tmp_path / "weights.npz"
    network = network_of(bound)
    np.savez(file, **{variable.name: variable.numpy() for variable in network.weights})

    transfer = load_weights(network, file, bound, STATISTICS)

    assert transfer.lost == (f"{file} was written by an earlier version, which did not say what its rows stand for",)


def test_a_layout_is_read_as_it_was_written() -> None:
    known = Statistics({"carrier": (b"AA", b"\xff\xfe")}, STATISTICS.boundaries, 3.5, 0.25)
    layout = layout_of(bound_problem(Task.REGRESSION), known, 4)

    assert Layout.from_json(layout.as_json()) == layout
