"""What follows the rows: batch, epochs, patience and knots, of tables from 50 rows to a million."""

import math

import pytest

from models.training.schedule import FINE_TUNING_EPOCHS, TRIAL_EPOCHS, Course, course, derived_settings, settled
from schema.problem import Network
from tests.models.training_case import bound_problem

OPEN = Network()


@pytest.mark.parametrize(
    ("rows", "expected", "steps"),
    [
        (1, Course(batch_size=16, epochs=512, patience=128, numeric_knots=2), 512),
        (50, Course(batch_size=16, epochs=171, patience=42, numeric_knots=2), 513),
        (250, Course(batch_size=16, epochs=35, patience=8, numeric_knots=2), 525),
        (1_000, Course(batch_size=16, epochs=9, patience=2, numeric_knots=4), 558),
        (10_000, Course(batch_size=128, epochs=8, patience=2, numeric_knots=8), 624),
        (100_000, Course(batch_size=1024, epochs=8, patience=2, numeric_knots=16), 776),
        (1_000_000, Course(batch_size=1024, epochs=8, patience=2, numeric_knots=16), 7808),
    ],
)
def test_what_is_left_open_follows_the_rows(rows: int, expected: Course, steps: int) -> None:
    found = course(OPEN, rows)

    assert found == expected
    assert found.epochs * (rows // min(found.batch_size, rows)) == steps


def test_the_training_of_the_sample_is_what_it_was() -> None:
    assert course(Network(epochs=6), 230_000) == Course(batch_size=1024, epochs=6, patience=2, numeric_knots=16)


def test_no_table_is_trained_for_fewer_steps_than_a_smaller_one_of_the_least() -> None:
    for rows in (*range(1, 3000), *range(3000, 400_000, 997)):
        found = course(OPEN, rows)
        steps = rows // min(found.batch_size, rows)
        assert found.epochs * steps >= 512
        assert 2 <= found.patience < found.epochs
        assert math.log2(found.batch_size).is_integer()
        assert found.batch_size == 16 or steps >= 64


def test_what_is_given_stays() -> None:
    given = Network(batch_size=100, epochs=3, patience=7, numeric_knots=5)

    assert course(given, 50) == Course(100, 3, 7, 5)
    assert derived_settings(given) == []


def test_what_is_given_shapes_what_is_not() -> None:
    assert course(Network(batch_size=250), 250).epochs == 512  # of one step
    assert course(Network(epochs=40), 1_000_000).patience == 10
    assert derived_settings(Network(epochs=40)) == ["batch_size", "patience", "numeric_knots"]


def test_each_replica_has_its_share_of_the_rows() -> None:
    alone, shared = course(OPEN, 10_000), course(OPEN, 20_000, replicas=2)

    assert (shared.batch_size, shared.epochs) == (alone.batch_size, alone.epochs)


@pytest.mark.parametrize(("least", "epochs"), [(TRIAL_EPOCHS, 9), (FINE_TUNING_EPOCHS, 13)])
def test_a_trial_and_a_fine_tuning_have_steps_enough_too(least: int, epochs: int) -> None:
    # 15 steps of 16 rows an epoch: at least 2 * 64 and 3 * 64 steps.
    assert course(OPEN, 250, least_epochs=least).epochs == epochs
    assert course(OPEN, 1_000_000, least_epochs=least).epochs == least


def test_a_settled_problem_leaves_nothing_open_and_settles_once() -> None:
    bound = settled(bound_problem(batch_size=None, epochs=None, patience=None, numeric_knots=None), 250)

    assert derived_settings(bound.problem.network) == []
    assert settled(bound, 1_000_000) == bound
