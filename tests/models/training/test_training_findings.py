"""What whoever trains has to be warned of."""

from typing import Any

import pytest

from models.training.training_findings import still_improving, training_warnings
from schema.training_record import Comparison, TrainingRecord, WarmStarted

GOOD = Comparison(metric="log_loss", rows=1500, candidate=0.5, constant=0.7, linear=0.6, linear_leads=False)


def record(losses: tuple[float, ...] = (0.6, 0.5, 0.55), epochs: int = 8, **values: Any) -> TrainingRecord:
    """Of a training of `epochs` epochs at most."""
    given = {
        "rows": 1000,
        "replicas": 1,
        "batch_size": 16,
        "steps_per_epoch": 62,
        "epochs": epochs,
        "patience": 2,
        "numeric_knots": 4,
        "derived": ("epochs",),
        "epochs_run": len(losses),
        "best_epoch": losses.index(min(losses)) + 1,
        "eval_losses": losses,
        "comparison": GOOD,
    }
    return TrainingRecord(**{**given, **values})


def test_a_training_that_went_well_is_not_warned_of() -> None:
    assert list(training_warnings(record())) == []


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ((0.9, 0.8, 0.7, 0.6), True),
        ((0.9, 0.7, 0.60, 0.595), False),  # by less than a fiftieth: the learning rate ran out
        ((0.9, 0.6, 0.5, 0.55), False),  # the last epoch was not the best
        ((0.9,), True),
    ],
)
def test_a_training_that_used_up_its_epochs_while_it_still_improved_is(
    losses: tuple[float, ...], expected: bool
) -> None:
    found = list(training_warnings(record(losses, epochs=len(losses))))

    sentence = (
        f"training ended with epoch {len(losses)}, its last, while the eval loss still fell. "
        f"Raise network.epochs (now {len(losses)})"
    )
    assert found == ([sentence] if expected else [])


def test_a_training_that_stopped_before_its_last_epoch_is_not() -> None:
    assert not still_improving(record((0.9, 0.8, 0.7), epochs=4))


def test_a_model_that_a_constant_beats_is_warned_of_with_both_numbers() -> None:
    beaten = GOOD.model_copy(update={"candidate": 0.7})

    assert list(training_warnings(record(comparison=beaten))) == [
        "the model is no better than always giving the same answer: log_loss 0.7 on 1,500 eval rows, of the constant "
        "0.7. Do not use it"
    ]


def test_a_model_that_a_linear_one_beats_is_warned_of_with_both_numbers() -> None:
    beaten = GOOD.model_copy(update={"linear": 0.4321, "linear_leads": True})

    assert list(training_warnings(record(comparison=beaten))) == [
        "a linear model of the same features is better than the model: log_loss 0.5 on 1,500 eval rows, of the linear "
        "one 0.4321"
    ]
    assert not list(training_warnings(record(comparison=beaten.model_copy(update={"linear_leads": False}))))


def test_what_a_warm_start_lost_is_warned_of_and_what_is_new_is_not() -> None:
    lost = WarmStarted(tensors=12, taken=3, new=("feature 'wind' is new",), lost=("head/kernel:0: too wide",))

    assert list(training_warnings(record(warm_start=lost))) == [
        "warm start: 3 of 12 tensors were taken over; head/kernel:0: too wide"
    ]
    assert not list(training_warnings(record(warm_start=WarmStarted(tensors=2, taken=2, new=("a", "b")))))
