"""The notebooks on real runs, made into pages and opened in a browser that has no network."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.browser import browser, opened  # noqa: F401 (the fixture)
from tests.e2e.pages import NOTEBOOKS, alone, in_one, make_pages, numbers, texts
from tests.e2e.running import Run

BOOKS = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
# What was written to standard error stands in red; a cell that fails lets no page be made.
RED = 'data-mime-type="application/vnd.jupyter.stderr"'


@pytest.fixture(scope="module")
def pages(flights: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages of the four notebooks on the first run of a folder."""
    folder = tmp_path_factory.mktemp("look")
    make_pages(alone(flights, folder / "alone"), folder, *(NOTEBOOKS / f"{name}.ipynb" for name in BOOKS))
    return folder / "pages"


@pytest.mark.parametrize("name", BOOKS)
def test_every_cell_shows_something_and_nothing_in_red(pages: Path, name: str) -> None:
    text = (pages / f"{name}.html").read_text(encoding="utf-8")
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    assert RED not in text
    assert text.count('<div class="tfx">') == sum(cell["cell_type"] == "code" for cell in cells)


@pytest.mark.parametrize("name", BOOKS)
def test_a_page_asks_no_network_and_its_pictures_are_drawn(browser: Any, pages: Path, name: str) -> None:  # noqa: F811
    with opened(browser, (pages / f"{name}.html").as_uri()) as visit:
        broken = visit.page.evaluate("[...document.images].filter(image => !image.naturalWidth).length")
        drawn = visit.page.evaluate("document.images.length")
        assert (visit.errors, visit.console, visit.elsewhere, broken) == ([], [], [], 0)
        assert drawn > 0


def test_metrics_on_the_page_are_those_of_the_record(browser: Any, pages: Path, flights: Run) -> None:  # noqa: F811
    with opened(browser, (pages / "model_analysis.html").as_uri()) as visit:
        shown = numbers(visit.page, "Metrics of the test split")
        assert {name: values[0] for name, values in shown.items()} == flights.record["metrics"]["candidate"]
        assert "There is no baseline: no other model was released" in visit.page.inner_text("body")


def test_rows_and_variants_are_those_of_the_record(browser: Any, pages: Path, flights: Run) -> None:  # noqa: F811
    with opened(browser, (pages / "data_validation.html").as_uri()) as visit:
        rows = flights.record["rows"]
        known = [rows[split] for split in ("train", "eval", "test")]
        assert sorted(numbers(visit.page, "Rows by span and split")["all"]) == sorted(known)
    with opened(browser, (pages / "device_models.html").as_uri()) as visit:
        shown = numbers(visit.page, "Costs of device variants")
        assert {name: values[0] for name, values in shown.items()} == {
            one["name"]: one["bytes"] for one in flights.record["variants"]
        }


def test_the_device_model_answers_as_the_server_model_does(browser: Any, pages: Path) -> None:  # noqa: F811
    with opened(browser, (pages / "device_models.html").as_uri()) as visit:
        answers = visit.page.evaluate(
            """[...document.querySelector('table[aria-label="Answers"]').tBodies[0].rows]
              .map(row => [...row.cells].slice(2, 4).map(cell => Number(cell.dataset.value)))"""
        )
        assert len(answers) == 5
        assert all(device == pytest.approx(server, abs=1e-5) for server, device in answers)


def test_the_version_is_traced_to_its_spans_and_its_source(browser: Any, pages: Path, flights: Run) -> None:  # noqa: F811
    version = flights.output / "pushed" / "nyc_flights_quick" / "current"
    made = json.loads((version / "manifest.json").read_text(encoding="utf-8"))["lineage"]
    with opened(browser, (pages / "lineage.html").as_uri()) as visit:
        steps = {row[0]: row for row in texts(visit.page, "Executions that the version stands on")}
        spans = texts(visit.page, "Spans that the version was made from")
    assert made["source"] in steps["Trainer"]
    assert {"ExampleGen", "Transform", "Evaluator", "ReleaseGate", "Pusher"} <= set(steps)
    assert {row[1] for row in steps.values()} == {flights.record["run_id"]}
    assert [int(row[0]) for row in spans] == [span["span"] for span in made["spans"]]


def test_tfma_s_own_page_is_written_beside_the_report(pages: Path, flights: Run) -> None:
    assert "runs/" in (pages / "model_analysis.html").read_text(encoding="utf-8")
    assert "tfma-nb-slicing-metrics" in (flights.folder / "tfma.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("problem", ["crops", "harvest"])
def test_another_task_comes_up_too(problem: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    run: Run = request.getfixturevalue(problem)
    fresh = "from reports import latest_run\nrun = latest_run()\nrun.evaluation.show()"

    page = make_pages(alone(run, tmp_path / "alone"), tmp_path / "look", in_one(tmp_path / "all.ipynb", fresh))["all"]

    assert RED not in page
    main = {"crops": "accuracy", "harvest": "mean_absolute_error"}[problem]
    assert f'data-value="{run.record["metrics"]["candidate"][main]}"' in page
    assert f"version {run.record['pushed']['version']} on the same raw rows" in page


def test_what_a_run_lacks_is_told_in_sentences(crops: Run, tmp_path: Path) -> None:
    output = tmp_path / "lacking"
    shutil.copytree(crops.output / "artifacts", output / "artifacts")
    folder = output / "runs" / crops.record["run_id"]
    folder.mkdir(parents=True)
    statistics = output / crops.record["artifacts"]["StatisticsGen.statistics"]
    for span in sorted(statistics.glob("Split-*"))[1:]:
        shutil.rmtree(span)
    gone = ("DeviceModels", "Pusher", "ExampleValidator")
    artifacts = {name: path for name, path in crops.record["artifacts"].items() if not name.startswith(gone)}
    record = {**crops.record, "status": "not blessed", "blessed": False, "pushed": None, "artifacts": artifacts}
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    (folder / "config.json").write_bytes((crops.folder / "config.json").read_bytes())

    page = make_pages(output, tmp_path / "look", in_one(tmp_path / "all.ipynb"))["all"]

    assert RED not in page
    for told in (
        "Not blessed, not pushed",
        "DeviceModels did not finish in it",
        "ExampleValidator did not finish in it",
        "has one span, and no other to compare it with",
        "no earlier run has statistics of other data",
        "There is no baseline: no other model was released",
        "pushed no version to ask",
        "no version of crops has been released",
    ):
        assert told in page
