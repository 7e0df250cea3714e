"""Statistics of literal batches, worked out by hand, whole and in parts."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from models.preprocessing.statistics import Statistics
from models.preprocessing.training_statistics import Analysis, merged
from schema.bound import BoundProblem
from schema.errors import InputError
from tests.models.rows_case import TRAIN, Row, bound_problem

REGRESSION: dict[str, Any] = {
    "task": "regression",
    "label": "rain",
    "features": {"area": {"encoding": "quantiles", "buckets": 4}},
}


def batch(rows: list[Row]) -> pa.RecordBatch:
    """The rows as the coder gives them: lists of at most one value, null where there is none."""
    kinds = {"soil": pa.binary(), "week": pa.int64(), "rain": pa.float32(), "area": pa.int64(), "wet": pa.int64()}
    columns = {
        name: pa.array([[row[name]] if name in row else None for row in rows], pa.list_(kind))
        for name, kind in kinds.items()
    }
    return pa.RecordBatch.from_pydict(columns)


def of(bound: BoundProblem, *parts: list[Row]) -> Analysis:
    """The analysis of these batches."""
    analysis = Analysis(bound)
    for rows in parts:
        analysis.add(batch(rows))
    return analysis


def test_missing_values_do_not_count() -> None:
    rows: list[Row] = [*TRAIN, {"soil": "", "rain": float("nan")}]
    assert of(bound_problem(), rows).statistics() == Statistics(
        vocabularies={"soil": (b"clay", b"loam")},
        boundaries={"rain": (0.0, 1.0, 2.0, 3.0, 4.0), "area": (10.0, 20.0, 30.0, 40.0, 50.0)},
    )


def test_terms_of_equal_count_stand_as_in_tft_the_last_of_the_alphabet_first() -> None:
    rows: list[Row] = [{"soil": soil} for soil in ("a", "c", "b", "b", "c", "d")]
    assert of(bound_problem(), rows).statistics().vocabularies["soil"] == (b"c", b"b", b"d", b"a")


def test_a_feature_that_is_never_present_has_an_empty_vocabulary_and_boundaries_of_zeros() -> None:
    found = of(bound_problem(), [{"wet": 1}]).statistics()
    assert found.vocabularies["soil"] == ()
    assert found.boundaries["rain"] == (0.0,) * 5


def test_no_rows_at_all_give_the_same() -> None:
    assert Analysis(bound_problem()).statistics() == of(bound_problem(), [{"wet": 1}]).statistics()


@pytest.mark.parametrize("cut", range(len(TRAIN) + 1))
def test_parts_together_are_as_the_whole_wherever_they_are_cut(cut: int) -> None:
    bound = bound_problem()
    parts = [of(bound, TRAIN[:cut]), of(bound, TRAIN[cut:])]
    assert merged(bound, parts).statistics() == of(bound, TRAIN).statistics()


def test_top_k_is_of_all_parts_and_not_of_each() -> None:
    bound = bound_problem(features={"soil": {"encoding": "vocabulary", "top_k": 1}})
    # Clay leads the first part and loam the second; sand is second in both, and leads the whole.
    soils = (["clay"] * 3 + ["sand"] * 2, ["loam"] * 3 + ["sand"] * 2)
    parts = [of(bound, [{"soil": soil} for soil in names]) for names in soils]
    assert merged(bound, parts).statistics().vocabularies["soil"] == (b"sand",)


def test_the_moments_of_a_regression_label_are_those_of_all_parts() -> None:
    bound = bound_problem(**REGRESSION)
    parts = [of(bound, [{"rain": value} for value in values]) for values in ((1.0, 3.0), (), (5.0, 7.0))]
    found = merged(bound, parts).statistics()
    # Mean 4, variance (9 + 1 + 1 + 9) / 4 = 5.
    assert (found.label_mean, found.label_scale) == pytest.approx((4.0, 5**0.5))


@pytest.mark.parametrize("value", [2.0, 0.0, 1e9, 0.1])
def test_a_label_that_never_varies_has_a_scale_of_1_and_is_warned_of(value: float) -> None:
    analysis = of(bound_problem(**REGRESSION), [{"rain": value}] * 3, [{"rain": value}])
    found = analysis.statistics()
    assert found.label_mean == pytest.approx(value, rel=1e-7)
    assert found.label_scale == 1.0
    assert analysis.warnings() == [f"the label 'rain' is {value:g} in all 4 training rows: nothing can be learnt"]
    assert of(bound_problem(**REGRESSION), [{"rain": value}, {"rain": 2 * value + 1}]).warnings() == []
    assert of(bound_problem(), TRAIN).warnings() == []


@pytest.mark.parametrize("unit", [7e-8, 1e-25, 1e25])
def test_the_scale_of_a_label_is_its_own_in_every_unit(unit: float) -> None:
    found = of(bound_problem(**REGRESSION), [{"rain": unit}, {"rain": 3 * unit}]).statistics()
    assert found.label_scale == pytest.approx(unit, rel=1e-6)


@pytest.mark.parametrize("unit", [1e-33, 1e33])
def test_a_label_in_a_unit_at_the_ends_of_float32_is_refused(unit: float) -> None:
    analysis = of(bound_problem(**REGRESSION), [{"rain": unit}, {"rain": 3 * unit}])
    with pytest.raises(InputError, match=r"label: expected a standard deviation of 1e-30 to 1e\+30"):
        analysis.statistics()


def test_moments_far_from_zero_keep_their_variance() -> None:
    values = np.float32(2**20) + np.tile(np.array([0.0, 1.0], np.float32), 500)
    bound = bound_problem(**REGRESSION)
    parts = [of(bound, [{"rain": float(value)} for value in part]) for part in np.split(values, 4)]
    assert merged(bound, parts).statistics().label_scale == pytest.approx(0.5)


def test_quantiles_of_many_rows_lie_within_a_tenth_of_a_bucket() -> None:
    bound = bound_problem(features={"area": {"encoding": "quantiles", "buckets": 10}})
    places = np.random.default_rng(7).permutation(50_000)
    parts = [of(bound, [{"area": int(place)} for place in part]) for part in np.split(places, 5)]
    found = np.array(merged(bound, parts).statistics().boundaries["area"])
    assert (found[0], found[-1]) == (0.0, 49_999.0)
    assert np.abs(found - np.arange(11) * 5_000).max() <= 500
