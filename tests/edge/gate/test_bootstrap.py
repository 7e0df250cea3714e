"""Draws of whole groups, with replicates and intervals worked out by hand or row by row."""

import numpy as np
import pytest

from edge.gate.bootstrap import DRAWS, MOST_GROUPS, Draws, area_replicates, draws, interval, mean_replicates, within
from schema.errors import InputError
from tests.edge.area import auc

# Two groups of two rows: in draw one each once, in draw two the first twice, in draw three the second twice.
GROUPS = np.array([0, 0, 1, 1])
THREE = Draws(np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 2.0]]), GROUPS)


def test_a_mean_is_over_the_rows_of_the_groups_drawn() -> None:
    assert mean_replicates(THREE, np.array([1.0, 2.0, 3.0, 6.0])).tolist() == [3.0, 1.5, 4.5]


def test_an_area_counts_the_pairs_of_the_groups_drawn() -> None:
    # Whole: .2 beats .1 and ties .2 (1.5 of 2), .8 beats both: 3.5 of 4. Group one: .2 over .1. Group two: .8 over .2.
    labels, places = np.array([0, 1, 0, 1]), np.array([1, 2, 2, 8])
    assert area_replicates(THREE, labels, places).tolist() == [0.875, 1.0, 1.0]


def test_an_area_is_that_of_the_rows_drawn_as_often_as_they_were() -> None:
    random = np.random.default_rng(3)
    labels, places, group = random.integers(0, 2, 300), random.integers(0, 40, 300), random.integers(0, 12, 300)
    found = draws(group, 300, seed=5, count=20)

    repeated = [np.repeat(np.arange(300), weights[group].astype(int)) for weights in found.weights]
    by_rows = [auc(labels[rows], places[rows]) for rows in repeated]
    assert area_replicates(found, labels, places) == pytest.approx(by_rows, abs=1e-12)


def test_groups_are_drawn_whole_as_many_as_there_are() -> None:
    found = draws(GROUPS, 4, seed=1)

    assert found.weights.shape == (1000, 2)
    assert set(found.weights.sum(axis=1)) == {2.0}
    assert found.group.tolist() == [0, 0, 1, 1]


def test_draws_are_the_same_for_the_same_seed_alone() -> None:
    assert np.array_equal(draws(GROUPS, 4, seed=1).weights, draws(GROUPS, 4, seed=1).weights)
    assert not np.array_equal(draws(GROUPS, 4, seed=1).weights, draws(GROUPS, 4, seed=2).weights)


def test_many_values_are_dealt_to_a_few_groups_and_stay_whole() -> None:
    values = np.repeat(np.arange(1000), 3)
    found = draws(values, 3000)

    assert found.weights.shape[1] == MOST_GROUPS
    assert all(len(set(found.group[values == value])) == 1 for value in range(0, 1000, 97))
    assert np.bincount(found.group).max() <= 3 * (1000 // MOST_GROUPS + 1)


def test_without_a_key_each_row_is_a_group() -> None:
    assert draws(None, 3).group.tolist() == [0, 1, 2]


def test_some_rows_keep_the_draws_of_their_groups() -> None:
    some = within(THREE, np.array([2, 3]))
    assert (some.weights.tolist(), some.group.tolist()) == ([[1.0], [0.0], [2.0]], [0, 0])


def test_one_class_has_no_area() -> None:
    assert np.isnan(area_replicates(THREE, np.ones(4), np.arange(4))).all()


def test_of_no_rows_nothing_is_defined() -> None:
    nothing = draws(None, 0)

    areas = area_replicates(nothing, np.zeros(0), np.zeros(0, np.int64))

    assert areas.shape == mean_replicates(nothing, np.zeros(0)).shape == (DRAWS,)
    assert np.isnan(areas).all()
    assert np.isnan(mean_replicates(nothing, np.zeros(0))).all()
    assert interval(areas, groups=0) is None


def test_rows_of_one_value_of_the_key_have_no_interval_whatever_they_are() -> None:
    same = draws(np.zeros(5, np.int64), 5)

    assert interval(mean_replicates(same, np.arange(5.0)), same.weights.shape[1]) is None


def test_answers_that_all_tie_are_in_order_half_of_the_time_in_every_draw() -> None:
    assert set(area_replicates(draws(None, 40), np.arange(40) % 2, np.zeros(40, np.int64))) == {0.5}


def test_labels_that_are_no_classes_are_refused() -> None:
    with pytest.raises(InputError, match=r"expected 0 and 1. Received: \[0, 2\]"):
        area_replicates(THREE, np.array([0, 2, 0, 2]), np.arange(4))


def test_an_interval_holds_95_of_100() -> None:
    low, high = interval(np.arange(1001) / 1000, groups=10**6) or (0, 0)
    assert (low, high) == pytest.approx((0.025, 0.975), abs=1e-6)


def test_an_interval_of_few_groups_is_wider() -> None:
    # Student's quantile of 5 degrees of freedom is 2.571, times sqrt(6 / 5) 2.816, beyond which lie 0.243 %.
    low, high = interval(np.arange(1001) / 1000, groups=6) or (0, 0)
    assert (low, high) == pytest.approx((0.00243, 0.99757), abs=5e-5)


def test_what_is_undefined_in_a_few_draws_is_left_out_and_in_most_is_no_interval() -> None:
    assert interval(np.array([np.nan, 1.0, 1.0, 1.0]), groups=2) == (1.0, 1.0)
    assert interval(np.array([np.nan, np.nan, np.nan, 1.0]), groups=2) is None
    assert interval(np.ones(4), groups=1) is None


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(11)
    group = np.repeat(np.arange(8), 10)
    held = 0
    for trial in range(200):
        # Rows of a group share most of what moves them; the true mean is 0.
        values = np.repeat(random.standard_normal(8), 10) + 0.3 * random.standard_normal(80)
        low, high = interval(mean_replicates(draws(group, 80, seed=trial), values), 8) or (0, 0)
        held += low <= 0 <= high
    assert 180 <= held <= 198
