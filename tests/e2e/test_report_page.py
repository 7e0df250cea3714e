"""The report of real runs in a browser: offline, light and dark, wide and narrow, and with the record's figures."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reports.page.report import write_report
from reports.runs.run import read_run
from tests.browser import browser, opened  # noqa: F401 (the fixture)
from tests.e2e.pages import numbers, texts
from tests.e2e.running import Run

MAX_BYTES = 5_000_000
COSTS = "Costs of device variants"


def edited(run: Run, output: Path, changes: Mapping[str, Any], *, without: tuple[str, ...] = ()) -> Path:
    """The report of the run as if its record said otherwise, and without the artifacts of some nodes."""
    folder = output / "runs" / run.record["run_id"]
    folder.mkdir(parents=True)
    (output / "artifacts").symlink_to(run.output / "artifacts")
    artifacts = {name: path for name, path in run.record["artifacts"].items() if not name.startswith(without or "\0")}
    record = {**run.record, "artifacts": artifacts, **changes}
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    (folder / "config.json").write_bytes((run.folder / "config.json").read_bytes())
    return write_report(read_run(folder), folder)


@pytest.mark.parametrize("width", [1280, 420])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_offline_in_any_scheme_and_width(browser: Any, flights: Run, scheme: str, width: int) -> None:  # noqa: F811
    with opened(browser, (flights.folder / "report.html").as_uri(), width=width) as visit:
        visit.page.emulate_media(color_scheme=scheme)
        broken = visit.page.evaluate("[...document.images].filter(image => !image.naturalWidth).length")
        assert (visit.errors, visit.console, visit.elsewhere, broken) == ([], [], [], 0)
        # Wide tables move within themselves; the page does not.
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
        assert contrast(visit.page) >= 4.5


def contrast(page: Any) -> float:
    """Of the text to what is behind it, by WCAG's formula: 1 to 21."""
    ratio: float = page.evaluate(
        """() => {
          const canvas = new OffscreenCanvas(1, 1).getContext("2d");
          const light = (colour) => {
            canvas.fillStyle = colour;
            canvas.fillRect(0, 0, 1, 1);
            const linear = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
            const [red, green, blue] = [...canvas.getImageData(0, 0, 1, 1).data].map((part) => linear(part / 255));
            return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
          };
          const text = light(getComputedStyle(document.querySelector("h1")).color);
          const behind = light(getComputedStyle(document.body).backgroundColor);
          return (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05);
        }"""
    )
    return ratio


def test_it_is_small_enough_to_be_sent(flights: Run) -> None:
    assert (flights.folder / "report.html").stat().st_size < MAX_BYTES


def test_figures_are_those_of_the_record(browser: Any, flights: Run) -> None:  # noqa: F811
    with opened(browser, (flights.folder / "report.html").as_uri()) as visit:
        metrics = numbers(visit.page, "Metrics of the test split")
        variants = numbers(visit.page, COSTS)
        tile = float(visit.page.get_attribute(".tile b", "data-value"))
    record = flights.record
    assert {name: values[0] for name, values in metrics.items()} == record["metrics"]["candidate"]
    assert {name: values[0] for name, values in variants.items()} == {
        one["name"]: one["bytes"] for one in record["variants"]
    }
    assert tile == record["metrics"]["candidate"]["auc"]


def test_the_verdict_comes_first(browser: Any, flights: Run) -> None:  # noqa: F811
    with opened(browser, (flights.folder / "report.html").as_uri()) as visit:
        text = visit.page.inner_text("main")
        place = visit.page.evaluate("document.querySelector('.verdict').getBoundingClientRect().bottom")
    version = flights.record["pushed"]["version"]
    assert text.index(f"Blessed and pushed as version {version}") < text.index("Evaluation")
    assert place < 400


def test_a_table_is_sorted_by_a_click_on_its_head_and_by_another_the_other_way(browser: Any, flights: Run) -> None:  # noqa: F811
    with opened(browser, (flights.folder / "report.html").as_uri()) as visit:
        head = visit.page.locator(f'table[aria-label="{COSTS}"] th', has_text="file")
        before = [row[2] for row in texts(visit.page, COSTS)]
        orders = []
        for _ in range(2):
            head.get_by_role("button").click()
            orders.append((head.get_attribute("aria-sort"), [row[2] for row in texts(visit.page, COSTS)]))
    ascending = sorted(before, key=lambda text: int(text.replace(",", "")))
    assert orders == [("descending", ascending[::-1]), ("ascending", ascending)]


def test_without_a_baseline_it_says_so_and_has_no_column_of_changes(browser: Any, flights: Run) -> None:  # noqa: F811
    with opened(browser, (flights.folder / "report.html").as_uri()) as visit:
        text = visit.page.inner_text("#evaluation")
    assert "There is no baseline: no other model was released before this one." in text
    assert "change [95 %]" not in text


def test_a_run_that_failed_says_by_what_and_shows_what_it_had_made(browser: Any, crops: Run, tmp_path: Path) -> None:  # noqa: F811
    told = "Trainer: a <sentence> with a cause"
    changes = {
        "status": "failed",
        "blessed": False,
        "pushed": None,
        "error": told,
        "reasons": [told],
        "metrics": {},
        "variants": [],
    }
    later = ("Trainer", "DeviceModels", "ServingValidator", "Evaluator", "ReleaseGate", "Pusher")
    path = edited(crops, tmp_path, changes, without=later)

    with opened(browser, path.as_uri(), width=420) as visit:
        text = visit.page.inner_text("main")
        assert (visit.errors, visit.console, visit.elsewhere) == ([], [], [])
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 420
        rows = numbers(visit.page, "Rows by span and split")["all"]
    assert text.index("✗ Failed") < text.index(told) < text.index("Graph")
    assert "has no Evaluator.evaluation: Evaluator did not finish in it" in text
    assert sum(rows) == sum(crops.record["rows"][split] for split in ("train", "eval", "test"))


def test_a_run_that_was_not_blessed_says_which_bound_was_missed(browser: Any, crops: Run, tmp_path: Path) -> None:  # noqa: F811
    told = "accuracy of soil=clay is 0.4, below 0.5"
    path = edited(
        crops,
        tmp_path,
        {"status": "not blessed", "blessed": False, "pushed": None, "reasons": [told]},
        without=("Pusher",),
    )

    with opened(browser, path.as_uri()) as visit:
        text = visit.page.inner_text("main")
        assert (visit.errors, visit.console, visit.elsewhere) == ([], [], [])
        shown = numbers(visit.page, "Metrics of the test split")
    assert text.index("✗ Not blessed, not pushed") < text.index(told) < text.index("Evaluation")
    assert shown["accuracy"][0] == crops.record["metrics"]["candidate"]["accuracy"]
