"""What float32 keeps of a column, worked out by hand, whole and in parts."""

from pathlib import Path

import numpy as np
import pytest

from schema.precision import Precision, label_offset, merged, read_precision, write_precision

SECONDS = 1.7e9 + np.linspace(-130, 130, 2001)


def test_steps_of_float32_show_in_what_rounding_moves() -> None:
    # From 2^30 to 2^31 float32 has steps of 128. Of a uniform distribution the deviation is its length by root of 12.
    found = Precision.of(1.7e9 + np.linspace(0, 12_800, 4001))
    assert found.step == pytest.approx(128, rel=0.02)
    assert found.deviation == pytest.approx(0.98 * 12_800 / 12**0.5, rel=0.02)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("unix seconds within two minutes", SECONDS),
        ("a spread of a billionth of the offset", 1.0 + 1e-9 * np.linspace(-1, 1, 999)),
        ("distinct milliseconds", 1_700_000_000_000 + np.arange(600_000)),
        ("the same beside a few without a limit", np.concatenate([SECONDS, [3.4e38, -3.4e38]])),
        ("subnormal numbers", np.linspace(0, 1e-44, 500)),
    ],
)
def test_a_column_that_float32_cannot_tell_apart_is_refused_by_name(name: str, column: np.ndarray) -> None:
    fault = Precision.of(column).fault("features.at", "at", "and at serving")
    assert fault is not None, name
    assert fault.startswith("problem.yaml: features.at: column 'at' is too fine for float32")


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("degrees", np.linspace(-180, 180, 999)),
        ("one number", np.full(99, 1.7e9 + 0.3)),
        ("farad", np.geomspace(1e-12, 1e-9, 999)),
        ("of all magnitudes", np.geomspace(1e-30, 1e38, 999)),
        ("unix seconds of a year", 1.7e9 + np.linspace(0, 3e7, 999)),
        ("no numbers", np.empty(0)),
        ("what is refused elsewhere", np.array([np.nan, np.inf, 1e39, -1e300, 1.0])),
        ("integers of 24 bits", 16_000_000 + np.arange(999)),
    ],
)
def test_a_column_that_float32_holds_is_let_pass(name: str, column: np.ndarray) -> None:
    assert Precision.of(column).fault("label", "at", "") is None, name


def test_the_sentence_has_step_mean_deviation_and_what_to_do() -> None:
    fault = Precision.of(1.7e9 + np.linspace(-130, 130, 2001)).fault("label", "at", "and add it to the answers")
    assert fault is not None
    assert "of at most 0.01 of the column's standard deviation" in fault
    assert "at its mean of 1700000000, and a deviation of 73.6" in fault
    assert fault.endswith("such as 1.7e+09, from the column in the files, and add it to the answers")


def test_files_of_one_hour_each_are_judged_by_all_their_days() -> None:
    hours = [1.7e9 + 3600 * number + np.linspace(0, 3600, 500) for number in range(24 * 30)]
    assert Precision.of(hours[0]).fault("label", "at", "") is not None
    whole = merged({"at": Precision.of(hour)} for hour in hours)
    assert whole["at"].deviation == pytest.approx(np.concatenate(hours).std(), rel=1e-3)
    assert whole["at"].fault("label", "at", "") is None


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    columns = {"at": Precision.of(SECONDS), "none": Precision()}
    write_precision(tmp_path, columns)
    assert read_precision(tmp_path) == columns


@pytest.mark.parametrize(
    ("mean", "deviation", "offset"),
    [
        # From 2^30 to 2^31 steps are 128, and a hundredth of the deviation is to hold one.
        (1_700_000_000.4, 75.0, 1_700_000_000.0),
        (1_700_000_000.4, 12_799.0, 1_700_000_000.0),
        (1_700_000_000.4, 12_801.0, 0.0),
        (-1_700_000_000.6, 75.0, -1_700_000_001.0),
        # Microseconds of an hour: steps of 2^27 from 2^50 on.
        (1.7e15, 1e9, 1.7e15),
        (30.0, 12.5, 0.0),
        (0.0, 1e-9, 0.0),
    ],
)
def test_a_label_is_given_an_offset_where_float32_has_no_digits_for_it(
    mean: float, deviation: float, offset: float
) -> None:
    assert label_offset(mean, deviation) == offset
