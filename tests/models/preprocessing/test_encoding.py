"""The encodings by hand."""

import pytest
import tensorflow as tf

from models.preprocessing.encoding import MISSING_RANK, identity_id, quantile_ranks, vocabulary_id

NAN = float("nan")


@pytest.mark.parametrize(
    ("number", "rank"),
    [(0.0, 0.0), (1.0, 0.25), (1.5, 0.375), (2.0, 0.5), (4.0, 0.625), (10.0, 1.0), (-5.0, 0.0), (99.0, 1.0)],
)
def test_a_number_ranks_linearly_between_its_quantiles(number: float, rank: float) -> None:
    boundaries = tf.constant([[0.0, 1.0, 2.0, 6.0, 10.0]])
    assert float(quantile_ranks(tf.constant([[number]]), boundaries)[0, 0]) == pytest.approx(rank)


def test_equal_quantiles_are_a_step() -> None:
    # Half of all values are 0, as of a precipitation: what is above ranks above them all.
    boundaries = tf.constant([[0.0, 0.0, 0.0, 4.0, 8.0]])
    ranks = quantile_ranks(tf.constant([[0.0], [0.001], [4.0]]), boundaries)[:, 0]
    assert ranks.numpy() == pytest.approx([0.0, 0.5, 0.75], abs=1e-3)


def test_a_missing_number_has_a_rank_of_its_own() -> None:
    ranks = quantile_ranks(tf.constant([[NAN, 1.0]]), tf.constant([[0.0, 2.0], [0.0, 2.0]]))
    assert ranks.numpy().tolist() == [[MISSING_RANK, 0.5]]


def test_features_keep_their_own_boundaries() -> None:
    ranks = quantile_ranks(tf.constant([[1.0, 1.0]]), tf.constant([[0.0, 1.0, 2.0], [0.0, 10.0, 20.0]]))
    assert ranks.numpy()[0] == pytest.approx([0.5, 0.05])


def test_a_feature_that_never_had_a_value_ranks_by_sign_and_stays_finite() -> None:
    ranks = quantile_ranks(tf.constant([[-1.0], [5.0], [NAN]]), tf.zeros([1, 5]))
    assert ranks.numpy()[:, 0].tolist() == [0.0, 1.0, MISSING_RANK]


@pytest.mark.parametrize(("integer", "identifier"), [(8, 1), (9, 2), (12, 5), (7, 0), (13, 0), (-(2**60), 0)])
def test_an_integer_counts_from_its_domain(integer: int, identifier: int) -> None:
    assert int(identity_id(tf.constant([integer], tf.int64), 8, 12)[0]) == identifier


def test_a_term_has_its_place_an_unseen_one_1_and_a_missing_one_0() -> None:
    strings, places = tf.constant(["clay", "loam", "peat", ""]), tf.constant([0, 1, -1, -1], tf.int64)
    assert vocabulary_id(strings, places).numpy().tolist() == [2, 3, 1, 0]


def test_the_empty_string_is_missing_even_where_a_table_knows_it() -> None:
    assert vocabulary_id(tf.constant([""]), tf.constant([0], tf.int64)).numpy().tolist() == [0]
