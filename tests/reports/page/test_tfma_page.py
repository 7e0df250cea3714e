"""The page of TFMA's elements, of evaluations that the real evaluator wrote, in a real browser without a network."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.evaluation.evaluator import Executor
from reports.artifacts.evaluation import sliced_metrics
from reports.page.tfma_page import tfma_page
from tests.browser import browser, opened  # noqa: F401 (a fixture)
from tests.evaluation.conftest import CASES, inputs, run, write_case

HOSTILE = "</script><script>throw 1</script>"


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """evaluation(task, baseline=...): our evaluator's, of the task's case; one site's name would end a script."""
    kept: dict[tuple[str, bool], Path] = {}

    def once(task: str, *, baseline: bool = False) -> Path:
        if (task, baseline) not in kept:
            case, folder = CASES[task](), tmp_path_factory.mktemp(task)
            renamed = [{**row, "site": HOSTILE} if row.get("site") == "south" else row for row in case.rows]
            case = replace(case, rows=tuple(renamed))
            write_case(case, folder)
            kept[task, baseline], _ = run(Executor(), case, inputs(folder, baseline=baseline), folder)
        return kept[task, baseline]

    return once


@pytest.fixture(scope="module")
def page(evaluation: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its address: a first evaluation, and one with a baseline."""
    both = {"monday": evaluation("binary"), "friday": evaluation("binary", baseline=True)}
    text = tfma_page(both, title="Late & <later>", report="report.html", plotted=(("week", 1),))
    file = tmp_path_factory.mktemp("page") / "tfma.html"
    file.write_text(text, encoding="utf-8")
    return file.as_uri()


def given(visit: Any, element: str, place: int = 0) -> Any:
    """What an element of the page holds as its data."""
    return visit.page.evaluate(f"document.querySelectorAll('{element}')[{place}].data")


def headings(visit: Any) -> list[str]:
    """Of the page's sections."""
    found: list[str] = visit.page.locator("section > h2").all_inner_texts()
    return found


def test_the_page_comes_up_without_a_network_and_says_what_is_missing(browser: Any, page: str) -> None:  # noqa: F811
    with opened(browser, page) as visit:
        visit.page.locator("#offline").wait_for(state="visible")

        note = visit.page.locator(".note").inner_text()
        assert "come from Google Charts" in note
        assert "they need a network" in note
        assert visit.page.locator(".note a").get_attribute("href") == "report.html"
        # One of each kind of element's controls.
        for control in ("Examples (Weighted) Threshold", "ROC Curve", "Add metric series"):
            visit.page.get_by_text(control).locator("visible=true").first.wait_for()
        assert visit.page.title() == "Late & <later>"
        assert visit.errors == []
        assert set(visit.console) == {"Failed to load resource: net::ERR_FAILED"}


def test_only_googles_code_and_fonts_are_asked_for_and_nothing_is_sent(browser: Any, page: str) -> None:  # noqa: F811
    with opened(browser, page) as visit:
        visit.page.locator("#offline").wait_for(state="visible")
        # What the page's own policy refuses does not even become a request.
        refused = visit.page.evaluate("fetch('https://example.com/').then(() => 'sent', () => 'refused')")

    assert refused == "refused"
    assert {address.partition("?")[0] for address in visit.elsewhere} <= {
        "https://www.gstatic.com/charts/loader.js",
        "https://fonts.googleapis.com/css",
    }


def test_the_elements_hold_the_last_evaluations_numbers(
    browser: Any,  # noqa: F811
    page: str,
    evaluation: Callable[..., Path],
) -> None:
    expected = sliced_metrics(evaluation("binary", baseline=True))
    with opened(browser, page) as visit:
        assert headings(visit) == [
            "Metrics of the whole test split",
            "Metrics by site",
            "Metrics by week",
            "Plots of week=1",
            "The course of the evaluations",
        ]
        (overall,) = given(visit, "tfma-nb-slicing-metrics")
        by_site = given(visit, "tfma-nb-slicing-metrics", 1)
        plots = given(visit, "tfma-nb-plot")
        course = given(visit, "tfma-nb-time-series")

    assert overall["slice"] == "Overall"
    assert overall["metrics"][""][""]["auc"]["doubleValue"] == expected["overall"]["candidate"]["auc"]
    assert {entry["slice"] for entry in by_site} == {"site:ö", "site:north", f"site:{HOSTILE}"}
    matrices = plots["confusionMatrixAtThresholds"]["matrices"]
    rows = sum(
        matrices[0].get(name, 0) for name in ("truePositives", "trueNegatives", "falsePositives", "falseNegatives")
    )
    assert rows == expected["week=1"]["candidate"]["example_count"]
    assert "buckets" in plots["calibrationHistogramBuckets"]
    assert [entry["config"]["modelIdentifier"] for entry in course] == ["monday", "friday"]


@pytest.mark.parametrize(("task", "plots"), [("multiclass", ["Plots of the whole test split"]), ("regression", [])])
def test_the_other_tasks_have_a_page_with_what_their_evaluation_draws(
    task: str,
    plots: list[str],
    browser: Any,  # noqa: F811
    evaluation: Callable[..., Path],
    tmp_path: Path,
) -> None:
    file = tmp_path / "tfma.html"
    file.write_text(tfma_page({"monday": evaluation(task)}, title=task, report="report.html"), encoding="utf-8")

    with opened(browser, file.as_uri()) as visit:
        visit.page.locator("#offline").wait_for(state="visible")
        found = headings(visit)

    assert found[0] == "Metrics of the whole test split"
    assert [heading for heading in found if not heading.startswith("Metrics ")] == plots
    assert visit.errors == []


def test_the_scripts_licence_stands_in_the_page(evaluation: Callable[..., Path]) -> None:
    text = tfma_page({"monday": evaluation("binary")}, title="?", report="report.html")

    assert 'Licensed under the Apache License, Version 2.0 (the "License");' in text
    assert "Copyright 2018 Google LLC" in text


def test_a_slice_that_is_not_there_is_named_with_those_that_are(evaluation: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match=r"no slice week=9 in the evaluation\. Known: .*week=1; week=2"):
        tfma_page({"monday": evaluation("binary")}, title="?", report="report.html", plotted=(("week", 9),))


def test_no_evaluation_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected one evaluation or more\. Received: none"):
        tfma_page({}, title="?", report="report.html")
