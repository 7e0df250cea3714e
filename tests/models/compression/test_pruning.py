"""Masks by hand: how many zeros, which ones, and when."""

import numpy as np
import pytest

from models.compression.pruning import Ramp, begun, smallest, two_of_four


def test_the_schedule_is_steep_at_first_and_flat_at_the_end() -> None:
    ramp = Ramp(end=8)
    # 1 - (1 - t)^3 at t = 0, 1/4, 1/2, 1, and past the end.
    assert [ramp.share(step) for step in (0, 2, 4, 8, 9)] == [0.0, 1 - 27 / 64, 1 - 1 / 8, 1.0, 1.0]


def test_a_schedule_without_steps_is_over() -> None:
    assert Ramp(end=0).share(0) == 1.0


@pytest.mark.parametrize(("sparsity", "zeros"), [(0.1, 1), (0.5, 6), (0.8, 10), (0.99, 12)])
def test_exactly_that_share_is_0(sparsity: float, zeros: int) -> None:
    values = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)

    mask = smallest(values, sparsity)

    assert mask.shape == (3, 4)
    assert int((mask == 0).sum()) == zeros
    assert np.abs(values)[mask == 0].max() < np.abs(values)[mask == 1].min(initial=np.inf)


def test_equal_magnitudes_are_pruned_from_the_first_on() -> None:
    assert smallest(np.array([1, -1, 1, -1], np.float32), 0.5).tolist() == [0, 0, 1, 1]


def test_two_of_every_four_inputs_stay() -> None:
    values = np.array([[1, 4], [-2, 3], [3, -2], [-4, 1]], np.float32)
    assert two_of_four(values).tolist() == [[0, 1], [0, 1], [1, 0], [1, 0]]


@pytest.mark.parametrize(("rows", "kept"), [(4, [2]), (5, [2, 1]), (6, [2, 2]), (7, [2, 2]), (8, [2, 2]), (3, [2])])
def test_every_group_of_a_column_keeps_two_or_what_it_has(rows: int, kept: list[int]) -> None:
    mask = two_of_four(np.random.default_rng(2).normal(size=(rows, 3)).astype(np.float32))

    groups = [mask[start : start + 4].sum(axis=0).tolist() for start in range(0, rows, 4)]
    assert groups == [[count] * 3 for count in kept]


def test_a_mask_on_its_way_has_a_share_of_the_last_ones_zeros_smallest_first() -> None:
    values = np.array([[1, 4], [-2, 3], [3, -2], [-4, 1]], np.float32)
    final = two_of_four(values)
    assert begun(values, final, 0.0).min() == 1.0
    assert begun(values, final, 0.5).tolist() == [[0, 1], [1, 1], [1, 1], [1, 0]]
    np.testing.assert_array_equal(begun(values, final, 1.0), final)
