"""Tables, the chart and the sections of a Markdown file."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.chart import Bars, svg, tick_step
from benchmarks.sections import fill, replaced
from benchmarks.tables import Table, number
from schema.errors import InputError

TABLE = Table("Seconds", ("node", "stock", "ours"), (("ExampleGen", "48.0", "4.3"), ("Pusher", "0.1", "0.1")))


def test_a_table_is_aligned_for_a_terminal() -> None:
    assert TABLE.lines() == [
        "Seconds",
        "  node        stock  ours",
        "  ExampleGen   48.0   4.3",
        "  Pusher        0.1   0.1",
    ]


def test_a_table_is_written_as_markdown() -> None:
    assert TABLE.markdown() == [
        "### Seconds",
        "",
        "| node | stock | ours |",
        "| --- | ---: | ---: |",
        "| ExampleGen | 48.0 | 4.3 |",
        "| Pusher | 0.1 | 0.1 |",
    ]


@pytest.mark.parametrize(("value", "expected"), [(1234.5, "1,234"), (None, "-"), (float("nan"), "-"), (0.0, "0")])
def test_what_is_no_number_is_shown_as_absent(value: float | None, expected: str) -> None:
    assert number(value, ",.0f") == expected


@pytest.mark.parametrize(("largest", "step"), [(83.0, 20.0), (100.0, 20.0), (101.0, 50.0), (4.9, 1.0), (0.3, 0.1)])
def test_the_axis_reaches_the_largest_value_in_few_round_steps(largest: float, step: float) -> None:
    assert tick_step(largest) == pytest.approx(step)


def test_bars_are_as_long_as_their_seconds_and_say_the_ratio() -> None:
    drawn = svg("Title", "small & quick", [Bars("ExampleGen", 100.0, 10.0)])
    root = ElementTree.fromstring(drawn)  # noqa: S314 (we wrote it)
    space = "{http://www.w3.org/2000/svg}"
    bars = [float(rect.attrib["width"]) for rect in root.iter(f"{space}rect") if rect.attrib.get("height") == "13"]
    assert bars[0] == pytest.approx(10 * bars[1])
    said = ["".join(text.itertext()) for text in root.iter(f"{space}text")]
    assert "100.0 / 10.0 s, 10.0 times" in said
    assert "small & quick" in said
    assert "seconds, median" in said


TEXT = "before\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nafter"


def test_a_section_is_replaced_and_the_words_around_it_stay(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    path.write_text(TEXT, encoding="utf-8")
    fill(path, "bench", [TABLE], ["- a line"])
    written = path.read_text(encoding="utf-8").split("\n")
    assert written[:2] == ["before", "<!-- bench: begin -->"]
    assert written[-2:] == ["<!-- bench: end -->", "after"]
    assert written[2:-2] == ["", *TABLE.markdown(), "", "- a line", ""]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing here", "expected one line '<!-- bench: begin -->'. Received: none"),
        (f"{TEXT}\n{TEXT}", "expected one line '<!-- bench: begin -->'. Received: 2"),
        ("<!-- bench: end -->\n<!-- bench: begin -->", "r.md:1: expected the end of section 'bench' below"),
    ],
)
def test_a_file_without_the_section_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        replaced(text, "bench", ["new"], "r.md")
    assert message in str(refused.value)


def test_a_file_that_is_absent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        fill(tmp_path / "RESULTS.md", "bench", [TABLE])
