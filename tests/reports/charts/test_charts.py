"""Charts: the same numbers give the same drawing, in both schemes, and words say what it shows."""

import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from reports.artifacts.statistics import FeatureStatistics
from reports.artifacts.training import TrainingCurve
from reports.charts import curves, graph, history, slices, training, variants
from reports.charts.canvas import Chart
from reports.charts.distribution import distribution
from tests.reports.evaluations import decisions, one_slice

NAN = float("nan")
VARIANT = {"name": "int8", "value": 0.7, "bytes": 1000, "latency_p50_us": 20.0, "accepted": True}
SLICES = [
    {"slice": "a=b", "rows": 900, "change": -0.0041, "low": -0.006, "high": -0.002},
    {"slice": "a=c", "rows": 800, "change": 0.0, "low": -0.001, "high": 0.001},
    {"slice": "a=d", "rows": 700, "change": None, "low": None, "high": None},
    {"slice": "a=few", "rows": 7, "change": -0.1, "low": None, "high": None},
]
SLICED = {**VARIANT, "metric": "auc", "slices": SLICES, "worst_slice": SLICES[0]}
NODES = [
    {"id": "A", "status": "ran", "seconds": 1.0, "upstream": []},
    {"id": "B", "status": "cached", "seconds": 0.1, "upstream": ["A"]},
    {"id": "C", "status": "failed", "seconds": 2.0, "upstream": ["A", "B"]},
    {"id": "D", "status": "skipped", "seconds": 0.0, "upstream": ["C"]},
]


def cost(entries: list[dict[str, Any]], server: float | None = None) -> Chart:
    """Of the AUC against bytes."""
    return variants.cost(entries, "bytes", "AUC", server, 0.002)


NUMBERS = FeatureStatistics(10, 1, mean=1.0, least=0.0, most=2.0, histogram=((0.0, 1.0, 6.0), (1.0, 2.0, 3.0)))
DRAWN: dict[str, Callable[[], Chart]] = {
    "roc": lambda: curves.roc({"candidate": decisions(), "baseline": decisions(40)}, 0.5),
    "precision": lambda: curves.precision_recall({"candidate": decisions()}, 0.5),
    "slices": lambda: slices.forest([one_slice("a=b", 9, 0.6, 0.5)], one_slice("overall", 9, 0.7), "auc", "AUC"),
    "training": lambda: training.epochs(
        TrainingCurve("loss", {"train": {1: 0.5, 2: NAN}, "eval": {1: 0.6}}), "loss", 1
    ),
    "variants": lambda: cost([VARIANT, {**VARIANT, "accepted": False}], 0.7),
    "heat": lambda: variants.heat([SLICED], 100, 0.01, "AUC", higher_is_better=True),
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

    assert "broken" not in cost([VARIANT, broken]).svg
    assert len(cost([broken]).svg) > 0


def test_one_that_lost_by_far_stands_at_the_edge_with_its_value() -> None:
    lost = {**VARIANT, "name": "lost", "value": 0.4, "accepted": False}

    assert "lost at 0.4000" in cost([VARIANT, lost]).svg


def test_the_chart_rings_those_that_are_on_the_tables_front_and_no_others() -> None:
    on, off = {**VARIANT, "pareto": True}, {**VARIANT, "name": "beaten", "bytes": 900, "pareto": False}

    assert "on the front" in cost([on, off]).svg
    assert "int8 1,000 and 0.7000, on the front" in cost([on, off]).alt
    assert "beaten 900 and 0.7000, on the front" not in cost([on, off]).alt
    assert "on the front" not in cost([off]).svg


def test_costs_that_lie_near_each_other_fill_the_axis_and_have_ticks_enough() -> None:
    times = [40.4, 41.5, 48.3, 48.4, 48.7, 53.2]
    entries = [{**VARIANT, "name": f"v{place}", "latency_p50_us": time} for place, time in enumerate(times)]
    svg = variants.cost(entries, "latency_p50_us", "AUC", 0.7, 0.002).svg

    assert svg.count('id="xtick_') >= 5
    marks = [
        float(x) for x in re.findall(r'<use xlink:href="#\w+" x="([\d.]+)" y="[\d.]+" style="fill: var\(--blue', svg)
    ]
    assert max(marks) - min(marks) > 0.6 * 7.2 * 72


def test_names_of_ten_variants_at_one_place_do_not_lie_over_each_other() -> None:
    svg = cost([{**VARIANT, "name": f"int8_{n}"} for n in range(10)]).svg
    places = re.findall(r"<text[^>]*translate\(([\d.]+) ([\d.]+)\)[^>]*>int8_\d<", svg)
    places += re.findall(r'<text[^>]*x="([\d.]+)" y="([\d.]+)"[^>]*>int8_\d<', svg)

    assert len(places) == 10
    for one, other in itertools.combinations([(float(x), float(y)) for x, y in places], 2):
        # A name is some 25 points wide and 8 high.
        assert abs(one[0] - other[0]) > 25 or abs(one[1] - other[1]) > 8


def test_the_heat_map_tells_thousandths_of_slices_that_are_judged() -> None:
    chart = variants.heat([SLICED], 100, 0.01, "AUC", higher_is_better=True)

    assert ">-4.1<" in chart.svg.replace("\u2212", "-")
    assert "a=b  (900)" in chart.svg
    assert "a=few" not in chart.svg
    assert chart.alt.endswith("the worst slice of each: int8 a=b")


def test_the_graph_of_eleven_columns_is_no_wider_than_a_page_at_its_own_size() -> None:
    names = ("ExampleGen", "ImportSchemaGen", "StatisticsGen", "ExampleValidator", "AnomalyGate", "Transform")
    names += ("Trainer", "ServingValidator", "DeviceModels", "ReleaseGate", "ModelCard")
    waits = [[], *([before] for before in names)]
    line = [{**NODES[0], "id": name, "upstream": before} for name, before in zip(names, waits, strict=False)]

    assert graph.graph(line).width <= 1016


@pytest.mark.parametrize("name", ["ImportSchemaGen", "ExampleGen.import_carriers", "A", "averyveryverylongnodename"])
def test_a_name_of_the_graph_is_whole_and_within_its_box(name: str) -> None:
    lines = graph._lines(name)
    wide = [TextPath((0, 0), line, 7.5, prop=FontProperties(weight="bold")).get_extents().width / 72 for line in lines]

    assert "".join(lines) == name
    assert max(wide) + 0.1 <= graph._box_width([name])


def test_an_arrow_that_another_way_implies_is_left_out() -> None:
    assert graph._direct(NODES[2], NODES) == ["B"]


def test_a_distribution_is_drawn_of_numbers_and_texts_and_not_of_nothing() -> None:
    texts = FeatureStatistics(10, 0, 2, (("a", 6), ("b", 4)))

    assert distribution("x", {"train": NUMBERS, "test": NUMBERS}) is not None
    assert distribution("x", {"train": texts, "test": texts}) is not None
    assert distribution("x", {"train": FeatureStatistics(10, 10, 0)}) is None
    assert distribution("x", {"train": FeatureStatistics(0, 0, mean=0.0)}) is None
