"""What tells two runs apart, part by part."""

from typing import Any

import pytest

from reports.runs.stored_runs import StoredRun
from reports.terminal.run_diff import SHOWN_SLICES, Side, diff_lines, flat, ranges
from tests.reports.run_case import metrics, run

NAN = float("nan")


def config(**values: Any) -> dict[str, Any]:
    return {
        "problem": {"name": "flights", "network": {"epochs": 6, "hidden_units": [8, 4]}},
        "environment": {"training": {"seed": 7}},
        "command": ["run_local.py"],
        "lineage": {"seed": 7, "source": "abc"},
        **values,
    }


def span(number: int, content: str = "a", rows: int = 100) -> dict[str, Any]:
    return {"span": number, "folder": f"/anywhere/{number:02d}-{content}-all", "rows": {"train": rows - 10, "test": 10}}


def sliced(**by_name: tuple[float, int]) -> dict[str, dict[str, dict[str, float]]]:
    """AUC and rows by slice."""
    return {
        name: {"candidate": {"auc": value, "example_count": float(rows)}, "baseline": {}}
        for name, (value, rows) in by_name.items()
    }


def side(shown: StoredRun, spans: Any = (), slices: Any = None) -> Side:
    return Side(shown, spans, {} if slices is None else slices)


def changed(one: Side, other: Side) -> list[str]:
    """The lines below the two heads."""
    lines = diff_lines(one, other)
    assert lines[0] == "run 2, 20130801T120530-000000, flights: finished, 2013-08-01 12:05 UTC"
    assert lines[1].startswith("run 1, 20130901T120530-000000, flights: ")
    return lines[2:]


def test_runs_that_are_the_same_are_said_to_be() -> None:
    one = side(run(2, config=config(), metrics=metrics(auc=NAN)), [span(1)], sliced(a=(0.5, 3)))
    other = side(run(1, config=config(), metrics=metrics(auc=NAN)), [span(1)], sliced(a=(0.5, 3)))

    assert changed(one, other) == ["", "  the same in config, data, metrics and variants"]


def test_keys_that_differ_are_told_as_a_person_sets_them() -> None:
    after = config(
        problem={"name": "flights", "network": {"epochs": 8, "hidden_units": [8, 4], "dropout": 0.1}},
        environment={"training": {"seed": 11}},
        command=["run_local.py", "--set", "network.epochs=8"],
        lineage={"seed": 11, "source": "abd"},
    )

    assert changed(side(run(2, config=config())), side(run(1, config=after))) == [
        "",
        "config",
        "  training.seed            7 -> 11",
        "  lineage.source           abc -> abd",
        "  problem.network.dropout  (absent) -> 0.1",
        "  problem.network.epochs   6 -> 8",
    ]


def test_a_section_is_flat_by_dotted_keys_and_a_list_is_one_value() -> None:
    assert dict(flat({"a": {"b": [1, 2], "c": {}}, "d": None, "e": "x" * 99})) == {
        "a.b": "[1, 2]",
        "a.c": "{}",
        "d": "null",
        "e": f"{'x' * 43}…",
    }


def test_spans_are_told_apart_by_their_content_and_not_by_where_they_lie() -> None:
    before = [span(1), span(2), span(3), {**span(4), "folder": "/elsewhere/04-a-all"}]
    after = [span(2, "b", 120), *(span(number) for number in (4, 5, 6, 7, 9))]

    assert changed(side(run(2), before), side(run(1), after))[:5] == [
        "",
        "data",
        "  spans 5 to 7, 9 added: 400 rows",
        "  spans 1, 3 removed: 200 rows",
        "  span 2 changed: 100 -> 120 rows",
    ]


@pytest.mark.parametrize(
    ("numbers", "told"), [([], ""), ([3], "3"), ([1, 2], "1 to 2"), ([1, 2, 3, 7, 9, 10], "1 to 3, 7, 9 to 10")]
)
def test_numbers_in_a_row_are_told_in_short(numbers: list[int], told: str) -> None:
    assert ranges(numbers) == told


def test_metrics_are_told_with_their_change_and_what_is_no_number_as_such() -> None:
    before = run(2, config=config(), metrics=metrics(auc=0.7, log_loss=NAN, example_count=1_000, calibration=1.0))
    after = run(
        1, config=config(), metrics=metrics(auc=0.72, log_loss=0.5, example_count=1_200, pr_auc=0.4, calibration=1.0)
    )

    assert changed(side(before), side(after)) == [
        "",
        "metrics              run 2   run 1     change",
        "  auc               0.7000  0.7200    +0.0200",
        "  log_loss       undefined  0.5000  undefined",
        "  example_count      1,000   1,200       +200",
        "  pr_auc                 -  0.4000",
    ]


def test_slices_come_by_the_size_of_their_change_with_their_rows() -> None:
    before = sliced(
        overall=(0.1, 9), a=(0.70, 50), b=(0.80, 60), c=(0.6, 70), gone=(0.5, 1), same=(0.5, 8), odd=(NAN, 8)
    )
    after = sliced(overall=(0.9, 9), a=(0.71, 50), b=(0.75, 65), c=(0.6, 71), new=(0.5, 1), same=(0.5, 8), odd=(0.5, 8))
    one = side(run(2, metrics=metrics(auc=0.7)), slices=before)
    other = side(run(1, metrics=metrics(auc=0.7)), slices=after)

    assert changed(one, other)[:6] == [
        "",
        "auc by slice   run 2   run 1   change         n",
        "  b           0.8000  0.7500  -0.0500  60 -> 65",
        "  a           0.7000  0.7100  +0.0100        50",
        "  1 slice of run 2 alone: gone",
        "  2 slices of run 1 alone: new, odd",
    ]


def test_no_more_slices_are_shown_than_fit() -> None:
    before = sliced(**{f"s{number:02d}": (0.5, 10) for number in range(20)})
    after = sliced(**{f"s{number:02d}": (0.5 + number / 100, 10) for number in range(20)})
    lines = changed(side(run(2, metrics=metrics(auc=0.7)), slices=before), side(run(1), slices=after))
    shown = [line.split()[0] for line in lines if line.startswith("  s")]

    assert shown == [f"s{number:02d}" for number in range(19, 19 - SHOWN_SLICES, -1)]
    assert "  and 4 slices with a smaller change" in lines


def test_variants_are_told_by_bytes_metric_and_verdict_and_not_by_their_speed() -> None:
    def variant(name: str, **values: Any) -> dict[str, Any]:
        return {"name": name, "bytes": 1_000, "metric": "auc", "value": 0.7, "accepted": True, **values}

    before = [variant("float32", latency_p50_us=9.0), variant("int8"), variant("float16")]
    after = [variant("float32", latency_p50_us=8.0), variant("int8", bytes=900, value=None, accepted=False)]

    assert changed(side(run(2, config=config(), variants=before)), side(run(1, config=config(), variants=after))) == [
        "",
        "device variant         bytes                  auc  verdict",
        "  int8          1,000 -> 900  0.7000 -> undefined  accepted -> rejected",
        "  float16         1,000 -> -          0.7000 -> -  accepted -> -",
    ]


def test_what_cannot_be_compared_is_said() -> None:
    lines = diff_lines(Side(run(2, window="1:9", rows={"train": 70})), Side(run(1, rows={"train": 90})))

    assert lines[2:] == [
        *["", "config", "  window  1:9 -> :", "", "data", "  rows  70 -> 90", ""],
        "  config: not recorded by run 2 and run 1",
        "  data: the spans of run 2 and run 1 are not known: Examples were pruned, or not recorded",
        "  slices: the evaluation of run 2 and run 1 was pruned, or not recorded, or there was none",
    ]


def test_what_is_not_known_is_not_called_the_same() -> None:
    lines = diff_lines(Side(run(2, config=config())), Side(run(1)))

    assert lines[3] == "  the same in what both recorded"
    assert "  config: not recorded by run 1" in lines
