"""Rows in, rows out, through a real Transform; expected values worked out by hand."""

from pathlib import Path

import pytest

from models.preprocessing.encoding import MISSING_RANK
from models.preprocessing.statistics import read_statistics
from tests.models.rows_case import TRAIN, Row, analyse, bound_problem, transform

LATER: list[Row] = [
    {"soil": "peat", "week": 13, "rain": 2.5, "area": 15, "wet": 0},
    {"soil": "clay", "week": 7, "rain": -9.0, "area": 999, "wet": 1},
    {"rain": float("nan"), "wet": 1},
]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The transform graph of TRAIN."""
    return analyse(bound_problem(), TRAIN, tmp_path_factory.mktemp("analysed"))


@pytest.fixture(scope="module")
def later(graph: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[float]]:
    """LATER, encoded by what was learnt of TRAIN."""
    return transform(graph, bound_problem(), LATER, tmp_path_factory.mktemp("later"))


def test_an_unseen_category_maps_to_out_of_vocabulary_and_a_missing_one_apart(later: dict[str, list[float]]) -> None:
    # clay is the more frequent term: id 2. An unseen term is 1, a missing one 0.
    assert later["soil"] == [1, 2, 0]


def test_an_integer_out_of_its_domain_is_as_missing(later: dict[str, list[float]]) -> None:
    assert later["week"] == [0, 0, 0]


def test_numbers_rank_between_the_training_quantiles(later: dict[str, list[float]]) -> None:
    assert later["rain"] == pytest.approx([0.625, 0.0, MISSING_RANK])
    assert later["area"] == pytest.approx([0.125, 1.0, MISSING_RANK])


def test_the_label_is_passed_on(later: dict[str, list[float]]) -> None:
    assert later["wet"] == [0, 1, 1]


def test_known_rows_are_encoded_by_hand(graph: Path, tmp_path: Path) -> None:
    found = transform(graph, bound_problem(), TRAIN, tmp_path)
    assert found["soil"] == [2, 2, 2, 3, 3, 0]
    assert found["week"] == [1, 2, 3, 4, 5, 1]
    assert found["rain"] == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0, MISSING_RANK])


def test_the_statistics_can_be_read_back(graph: Path) -> None:
    found = read_statistics(graph)
    assert found.vocabularies == {"soil": (b"clay", b"loam")}
    assert found.boundaries == {
        "rain": pytest.approx((0.0, 1.0, 2.0, 3.0, 4.0)),
        "area": pytest.approx((10.0, 20.0, 30.0, 40.0, 50.0)),
    }
    assert (found.label_mean, found.label_scale) == (0.0, 1.0)


def test_a_vocabulary_keeps_its_most_frequent_terms(tmp_path: Path) -> None:
    bound = bound_problem(features={"soil": {"encoding": "vocabulary", "top_k": 1}})
    kept = analyse(bound, TRAIN, tmp_path)
    assert read_statistics(kept).vocabularies == {"soil": (b"clay",)}
    assert transform(kept, bound, TRAIN, tmp_path / "rows")["soil"] == [2, 2, 2, 1, 1, 0]


def test_a_regression_label_is_standardised(tmp_path: Path) -> None:
    bound = bound_problem(task="regression", label="rain", features={"area": {"encoding": "quantiles", "buckets": 4}})
    rows: list[Row] = [{"area": 1, "rain": value, "wet": 0} for value in (1.0, 3.0, 5.0, 7.0)]
    graph = analyse(bound, rows, tmp_path)
    # Mean 4, variance (9 + 1 + 1 + 9) / 4 = 5.
    expected = [(value - 4) / 5**0.5 for value in (1, 3, 5, 7)]
    assert transform(graph, bound, rows, tmp_path / "rows")["rain"] == pytest.approx(expected, rel=1e-5)
    found = read_statistics(graph)
    assert (found.label_mean, found.label_scale) == pytest.approx((4.0, 5**0.5))


def test_an_integer_label_is_centred_before_it_becomes_a_float(tmp_path: Path) -> None:
    bound = bound_problem(task="regression", label="area", features={"rain": {"encoding": "quantiles", "buckets": 4}})
    seconds = [1_700_000_000 + apart for apart in (-75, 75, -75, 75)]
    rows: list[Row] = [{"rain": 1.0, "area": value, "wet": 0} for value in seconds]
    graph = analyse(bound, rows, tmp_path)
    # The deviation is 75; float32 would make 128 of it.
    assert transform(graph, bound, rows, tmp_path / "rows")["area"] == pytest.approx([-1, 1, -1, 1], abs=1e-6)


def test_a_label_of_named_classes_is_its_place(tmp_path: Path) -> None:
    bound = bound_problem(
        task="multiclass",
        label="soil",
        classes=["loam", "clay", "sand"],
        features={"area": {"encoding": "quantiles", "buckets": 4}},
    )
    graph = analyse(bound, TRAIN, tmp_path)
    assert transform(graph, bound, TRAIN[:5], tmp_path / "rows")["soil"] == [1, 1, 1, 0, 0]
