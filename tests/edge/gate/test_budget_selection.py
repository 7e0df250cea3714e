"""The front and the choice within a budget, by hand."""

import math
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from edge.gate.budget_selection import Budget, Candidate, Choice, candidates, choose, front
from schema.errors import InputError

BIG = Candidate("big", True, 600e3, 500e3, 40.0, 50.0, 9e6, 0.0)
SMALL = Candidate("small", True, 150e3, 120e3, 20.0, 30.0, 5e6, 0.001)
WORSE = Candidate("worse", True, 200e3, 130e3, 20.0, 30.0, 5e6, 0.002)
REFUSED = Candidate("refused", False, 10e3, 9e3, 1.0, 2.0, 1e6, -0.1)
ALL = [BIG, SMALL, WORSE, REFUSED]


def test_on_the_front_is_what_no_accepted_one_beats() -> None:
    assert front(ALL) == {"big", "small"}
    assert front([WORSE, REFUSED]) == {"worse"}


def test_one_that_is_better_in_anything_a_budget_names_is_on_the_front() -> None:
    assert "worse" in front([BIG, SMALL, replace(WORSE, gzip_bytes=70e3)])


def test_equals_do_not_beat_each_other() -> None:
    assert front([SMALL, replace(SMALL, name="twin")]) == {"small", "twin"}


def test_the_best_metric_within_the_budget_is_chosen() -> None:
    assert choose(ALL, Budget()) == Choice("big", {"refused": ("rejected by the gate",)})
    within = choose(ALL, Budget.parse("bytes=200k, latency_us=50"))
    assert within.chosen == "small"
    assert within.unfit == {"big": ("bytes 600,000 > 200,000",), "refused": ("rejected by the gate",)}


def test_of_equal_metrics_the_smaller_is_chosen() -> None:
    assert choose([replace(BIG, drop=0.001), SMALL], Budget()).chosen == "small"


def test_where_none_fits_each_says_what_it_exceeds() -> None:
    found = choose([SMALL, WORSE], Budget.parse("bytes=100k,drop=0.0015"))
    assert found == Choice(
        None,
        {"small": ("bytes 150,000 > 100,000",), "worse": ("bytes 200,000 > 100,000", "drop 0.0020 > 0.0015")},
    )


def test_what_was_not_measured_fits_no_bound_on_it() -> None:
    unknown = replace(SMALL, peak_memory_bytes=math.inf)
    assert choose([unknown], Budget(peak_memory_bytes=1e9)).unfit == {
        "small": ("peak_memory_bytes not measured > 1,000,000,000",)
    }
    assert choose([unknown], Budget()).chosen == "small"


@pytest.mark.parametrize(
    ("text", "most"),
    [("bytes=200k", 200e3), ("bytes=2M", 2e6), ("bytes=2Ki", 2048), ("bytes=1.5Mi", 1572864), ("bytes=7", 7)],
)
def test_amounts(text: str, most: float) -> None:
    assert Budget.parse(text) == Budget(bytes=most)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("byts=1", r"no key 'byts'. Did you mean 'bytes'\?"),
        ("bytes=1,bytes=2", "'bytes' is given twice"),
        ("bytes=much", "bytes: expected a number.*Received: 'much'"),
        ("bytes", "Received: ''"),
        ("bytes=-3", "Received: '-3'"),
        ("bytes=3G", "Received: '3G'"),
    ],
)
def test_what_is_no_budget_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Budget.parse(text)


def entry(**values: Any) -> dict[str, Any]:
    costs = {"bytes": 10, "gzip_bytes": 9, "latency_p50_us": 3.0, "latency_p95_us": 4.0}
    return {"name": "int8", "accepted": True, "metric": "auc", "value": 0.7, **costs, **values}


def test_candidates_of_variants_json() -> None:
    (found,) = candidates([entry(change=-0.01, peak_memory_bytes=77)])
    assert found == Candidate("int8", True, 10, 9, 3.0, 4.0, 77, 0.01)
    (error,) = candidates([entry(metric="mean_absolute_error", change=0.25)])
    assert error.drop == 0.25


def test_an_older_file_is_ordered_by_the_value() -> None:
    better, worse, undefined = candidates([entry(value=0.7), entry(value=0.6), entry(value=None)])
    assert better.drop < worse.drop < undefined.drop == math.inf
    assert better.peak_memory_bytes == math.inf


def test_the_guide_has_a_row_for_every_key_of_a_budget() -> None:
    guide = (Path(__file__).resolve().parents[3] / "docs" / "devices.md").read_text(encoding="utf-8")
    section = guide.partition("## Choose by a budget")[2].partition("\n## ")[0]
    keys = [key for row in re.findall(r"^\| (`.*?) \|", section, re.M) for key in re.findall(r"`(\w+)`", row)]

    assert keys == [field.name for field in fields(Budget)]
