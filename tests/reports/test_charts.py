"""Charts: the same numbers give the same drawing, in both schemes, and words say what it shows."""

import re
from collections.abc import Callable

import pytest

from reports.charts import curves, graph, history, slices, training, variants
from reports.charts.canvas import Chart
from reports.charts.distribution import distribution
from reports.statistics import FeatureStatistics
from reports.training import TrainingCurve
from tests.reports.evaluations import decisions, one_slice

NAN = float("nan")
VARIANT = {"name": "int8", "value": 0.7, "bytes": 1000, "latency_p50_us": 20.0, "accepted": True}
NODES = [
    {"id": "A", "status": "ran", "seconds": 1.0, "upstream": []},
    {"id": "B", "status": "cached", "seconds": 0.1, "upstream": ["A"]},
    {"id": "C", "status": "failed", "seconds": 2.0, "upstream": ["A", "B"]},
    {"id": "D", "status": "skipped", "seconds": 0.0, "upstream": ["C"]},
]
NUMBERS = FeatureStatistics(10, 1, mean=1.0, least=0.0, most=2.0, histogram=((0.0, 1.0, 6.0), (1.0, 2.0, 3.0)))
DRAWN: dict[str, Callable[[], Chart]] = {
    "roc": lambda: curves.roc({"candidate": decisions(), "baseline": decisions(40)}, 0.5),
    "precision": lambda: curves.precision_recall({"candidate": decisions()}, 0.5),
    "slices": lambda: slices.forest([one_slice("a=b", 9, 0.6, 0.5)], one_slice("overall", 9, 0.7), "auc", "AUC"),
    "training": lambda: training.epochs(
        TrainingCurve("loss", {"train": {1: 0.5, 2: NAN}, "eval": {1: 0.6}}), "loss", 1
    ),
    "variants": lambda: variants.cost([VARIANT, {**VARIANT, "accepted": False}], "bytes", "AUC", 0.7, 0.002),
    "graph": lambda: graph.graph(NODES),
    "history": lambda: history.over_runs([("11-24", 0.7, True), ("11-25", 0.6, False)], "AUC"),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawing_is_the_same_for_the_same_numbers_and_says_what_it_shows(name: str) -> None:
    chart = DRAWN[name]()

    assert chart == DRAWN[name]()
    assert len(chart.alt) > 10
    assert "http://" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", chart.svg.partition("<defs>")[2])


@pytest.mark.parametrize("name", DRAWN)
def test_every_colour_has_a_light_and_a_dark_form(name: str) -> None:
    chart = DRAWN[name]()
    adaptive, light = chart.in_scheme(adaptive=True), chart.in_scheme(adaptive=False)

    drawn = chart.svg.partition("<defs>")[2]
    assert re.findall(r"#[0-9a-f]{6}", drawn.replace("#000000", "").replace("#ffffff", "")) == []
    assert "prefers-color-scheme: dark" in adaptive
    assert "prefers-color-scheme" not in light
    assert "--ink:" in light


def test_names_are_not_formulas() -> None:
    strange = one_slice("a=$x_1$ & <b>", 9, 0.6)
    svg = slices.forest([strange], one_slice("overall", 9, 0.7), "auc", "AUC").svg

    assert "a=$x_1$ &amp; &lt;b&gt;" in svg


def test_a_variant_that_could_not_be_measured_is_not_drawn() -> None:
    broken = {**VARIANT, "name": "broken", "value": None}

    assert "broken" not in variants.cost([VARIANT, broken], "bytes", "AUC", None, 0.0).svg


def test_an_arrow_that_another_way_implies_is_left_out() -> None:
    assert graph._direct(NODES[2], NODES) == ["B"]


def test_a_distribution_is_drawn_of_numbers_and_texts_and_not_of_nothing() -> None:
    texts = FeatureStatistics(10, 0, 2, (("a", 6), ("b", 4)))

    assert distribution("x", {"train": NUMBERS, "test": NUMBERS}) is not None
    assert distribution("x", {"train": texts, "test": texts}) is not None
    assert distribution("x", {"train": FeatureStatistics(10, 10, 0)}) is None
    assert distribution("x", {"train": FeatureStatistics(0, 0, mean=0.0)}) is None
