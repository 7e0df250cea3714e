"""What is said of an error that was raised in a Beam worker."""

from collections.abc import Callable

import apache_beam as beam
import pytest

from pipeline.beam.remote_errors import as_raised
from schema.errors import AnomalyError, InputError

SENTENCE = "rows.csv:3: column 'ph': expected a number.\n  Received: 'acid'"
FRAMES = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    raise E\n           ^^^\n'


def of_worker(raised: str) -> BaseException:
    """The error that Beam raises of a worker that ended so."""
    first = f"{FRAMES}ValueError: first\n\nDuring handling of the above exception, another exception occurred:\n\n"
    return as_raised(RuntimeError(f"{first}{FRAMES}{raised}"))


@pytest.mark.parametrize("kind", [InputError, AnomalyError])
def test_an_error_of_ours_has_its_class_and_its_sentence_again(kind: type[Exception]) -> None:
    error = of_worker(f"schema.errors.{kind.__name__}: {SENTENCE} [while running 'Map(convert)']\n")
    assert type(error) is kind
    assert str(error) == SENTENCE
    assert isinstance(error.__cause__, RuntimeError)


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        ("ValueError: bad [while running 'Map']\n", "in a Beam worker: ValueError: bad"),
        ("other.errors.InputError: bad\n", "in a Beam worker: other.errors.InputError: bad"),
        ("schema.errors.Stranger: bad\n", "in a Beam worker: schema.errors.Stranger: bad"),
        ("AssertionError\n", "in a Beam worker: AssertionError"),
    ],
)
def test_another_error_is_named_as_the_traceback_ends(raised: str, told: str) -> None:
    error = of_worker(raised)
    assert type(error) is RuntimeError
    assert str(error) == told


def test_what_is_no_workers_error_is_left_alone() -> None:
    for error in (RuntimeError("no"), ValueError(FRAMES), InputError(SENTENCE), KeyboardInterrupt()):
        assert as_raised(error) is error


def refuse(number: int) -> None:
    del number
    raise InputError(SENTENCE)


def give_up(number: int) -> None:
    raise ValueError(f"{number} is too large")


@pytest.mark.parametrize(
    ("function", "kind", "told"),
    [(refuse, InputError, SENTENCE), (give_up, ValueError, "7 is too large [while running 'Step']")],
)
def test_beams_own_worker_in_this_process_is_understood(
    function: Callable[[int], None], kind: type[Exception], told: str
) -> None:
    runner = "apache_beam.runners.portability.fn_api_runner.fn_runner.FnApiRunner"
    with pytest.raises(kind) as caught, beam.Pipeline(argv=[f"--runner={runner}"]) as pipeline:
        _ = pipeline | beam.Create([7]) | "Step" >> beam.Map(function)
    assert str(as_raised(caught.value)) == told
