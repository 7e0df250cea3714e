"""Confidence intervals in TFMA's files, of evaluations by our executor."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma

from components.evaluation.evaluator import Executor
from evaluation.folds import FOLDS, FoldRule
from evaluation.rows import Batch
from reports.artifacts.evaluation import slice_name, sliced_metrics
from schema.errors import InputError
from schema.problem import Problem
from tests.evaluation.agreement import content, differences
from tests.evaluation.cases import Case, Row
from tests.evaluation.conftest import CASES, artifact, inputs, run, write_case

DAYS = 31
Evaluations = Callable[..., Path]


class Interval(NamedTuple):
    """A metric's value and, where it has one, its interval's ends and degrees of freedom."""

    value: float
    lower: float | None = None
    upper: float | None = None
    freedom: float | None = None

    @property
    def width(self) -> float:
        """Upper less lower end; not a number without an interval."""
        return math.nan if self.lower is None or self.upper is None else self.upper - self.lower


def with_days(case: Case, *, intervals: bool = True) -> Case:
    """The case with a day a row, of which there are 31, and with intervals asked for or not."""
    rows = tuple({**row, "day": number * 7 % DAYS} for number, row in enumerate(case.rows))
    return asking(replace(case, rows=rows), intervals=intervals)


def asking(case: Case, **evaluation: object) -> Case:
    changed = case.problem.evaluation.model_copy(update={"intervals": True, **evaluation})
    return replace(case, problem=case.problem.model_copy(update={"evaluation": changed}))


def load(evaluation: Path) -> Mapping[tuple[str, str, str], Interval]:
    """Every metric by (slice, "candidate", "baseline" or "difference", name)."""
    found = {}
    for by_slice in tfma.load_metrics(str(evaluation)):
        for entry in by_slice.metric_keys_and_values:
            kind = "difference" if entry.key.is_diff else entry.key.model_name or "candidate"
            ends = entry.confidence_interval
            of = (ends.lower_bound.double_value.value, ends.upper_bound.double_value.value)
            own = (*of, ends.degrees_of_freedom.value) if entry.HasField("confidence_interval") else ()
            found[slice_name(by_slice.slice_key), kind, entry.key.name] = Interval(entry.value.double_value.value, *own)
    return found


@pytest.fixture(scope="module")
def evaluations(tmp_path_factory: pytest.TempPathFactory) -> Evaluations:
    """evaluations(task, intervals=...): the task's case with its baseline, over days; each is run once."""
    kept: dict[tuple[str, bool], Path] = {}

    def once(task: str, *, intervals: bool = True) -> Path:
        if (task, intervals) not in kept:
            case, folder = with_days(CASES[task](), intervals=intervals), tmp_path_factory.mktemp(task)
            write_case(case, folder)
            kept[task, intervals], _ = run(Executor(), case, inputs(folder, baseline=True), folder, split_key="day")
        return kept[task, intervals]

    return once


@pytest.mark.parametrize("task", list(CASES))
def test_every_defined_metric_of_both_models_and_their_difference_has_an_interval(
    evaluations: Evaluations, task: str
) -> None:
    found = load(evaluations(task))

    has = {key for key, of in found.items() if of.freedom is not None}
    whole = {(kind, name) for where, kind, name in has if where == "overall"}
    undefined = {name for (where, _, name), of in found.items() if where == "overall" and not math.isfinite(of.value)}
    names = {name for _, _, name in found} - {"example_count"} - undefined
    assert len(names) >= 2 or task == "regression"
    assert whole >= {(kind, name) for kind in ("candidate", "baseline", "difference") for name in names}
    assert not {name for _, _, name in has} & {"example_count"}
    for key in has:
        of = found[key]
        assert of.lower <= of.value <= of.upper, key
        assert 1 <= of.freedom < FOLDS


def test_what_is_undefined_has_none(evaluations: Evaluations) -> None:
    binary = load(evaluations("binary"))

    # Week 3 has one class.
    for name in ("auc", "pr_auc"):
        assert math.isnan(binary["week=3", "candidate", name].value)
        assert binary["week=3", "candidate", name].freedom is None
    assert binary["week=3", "candidate", "binary_accuracy"].freedom is not None
    # A wholly confident row has a log loss, and so has the whole.
    assert binary["overall", "candidate", "log_loss"].freedom is not None


@pytest.mark.parametrize("task", list(CASES))
def test_all_else_is_to_the_last_bit_what_it_is_without(evaluations: Evaluations, task: str) -> None:
    off, on = content(evaluations(task, intervals=False)), content(evaluations(task))

    # An absent value and the word NaN are compared as text.
    assert {path: repr(value) for path, value in on.items() if "/confidenceInterval/" not in path} == {
        path: repr(value) for path, value in off.items()
    }
    assert any("/confidenceInterval/" in path for path in on)
    assert not any(of.freedom for of in load(evaluations(task, intervals=False)).values())
    assert repr(sliced_metrics(evaluations(task))) == repr(sliced_metrics(evaluations(task, intervals=False)))


def test_two_models_that_answer_alike_differ_by_nothing(tmp_path: Path) -> None:
    case = with_days(CASES["binary"]())
    write_case(replace(case, baseline=case.candidate), tmp_path)

    evaluation, _ = run(Executor(), case, inputs(tmp_path, baseline=True), tmp_path, split_key="day")

    found = load(evaluation)
    assert found["overall", "candidate", "auc"].width > 0.05
    for name in ("auc", "pr_auc", "binary_accuracy", "calibration"):
        assert found["overall", "difference", name] == Interval(0.0, 0.0, 0.0, FOLDS - 1 - _empty(case))


def _folds(case: Case) -> list[int]:
    rows = Batch(tf.constant([b""] * len(case.rows)), {"day": pa.array([[row["day"]] for row in case.rows])})
    folds: list[int] = FoldRule("day").folds(rows, "", 0).tolist()
    return folds


def _empty(case: Case) -> int:
    return FOLDS - len(set(_folds(case)))


def measured(days: list[int], errors: list[float]) -> Case:
    """A regression whose candidate is off by these errors."""
    rows: tuple[Row, ...] = tuple(
        {"day": day, "grown": 0.0, "new": error, "old": 0.0} for day, error in zip(days, errors, strict=True)
    )
    case = CASES["regression"]()
    free: dict[str, Any] = {"bounds": {}, "slice_bounds": {}, "slices": (), "metrics": ("mean_absolute_error",)}
    return asking(replace(case, rows=rows), **free)


def error_of(case: Case, folder: Path, **properties: str) -> Interval:
    write_case(case, folder)
    evaluation, _ = run(Executor(), case, inputs(folder, baseline=False), folder, **properties)
    return load(evaluation)["overall", "candidate", "mean_absolute_error"]


def three_days() -> list[int]:
    """Days that lie in three folds."""
    by_fold = {fold: day for day, fold in enumerate(_folds(measured(list(range(30)), [0.0] * 30)))}
    return list(by_fold.values())[:3]


def test_an_interval_by_hand(tmp_path: Path) -> None:
    one, two, three = three_days()

    found = error_of(measured([one, two, one, three], [1.0, 5.0, 3.0, 7.0]), tmp_path, split_key="day")

    # As in test_jackknife: the mean is 4, the replicates' is 38 / 9, their error the root of 804 / 243.
    half = 4.302653 * math.sqrt(804 / 243)
    assert found == pytest.approx((4.0, 38 / 9 - half, 38 / 9 + half, 2.0), rel=1e-6)


def test_one_day_has_no_interval(tmp_path: Path) -> None:
    assert error_of(measured([4, 4, 4], [1.0, 2.0, 3.0]), tmp_path, split_key="day") == Interval(2.0)


def test_rows_of_a_day_that_are_alike_make_the_interval_wider_than_the_same_rows_shuffled(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    days = np.repeat(np.arange(40), 50)
    errors = (2 + random.normal(0, 0.5, 40)[days] + random.normal(0, 0.5, len(days))).tolist()

    clustered = error_of(measured(days.tolist(), errors), tmp_path / "days", split_key="day")
    shuffled = error_of(measured(random.permutation(days).tolist(), errors), tmp_path / "shuffled", split_key="day")
    by_row = error_of(measured(days.tolist(), errors), tmp_path / "rows")

    # Of 40 days of standard deviation 0.5, the mean's is 0.08; of 2,000 rows of 0.71, it is 0.016.
    assert clustered.width > 3 * shuffled.width
    assert clustered.width > 3 * by_row.width
    assert clustered.width / (2 * 2.09) == pytest.approx(0.5 / math.sqrt(40), rel=0.4)
    assert by_row.width / (2 * 2.09) == pytest.approx(math.sqrt(0.5 / 2000), rel=0.4)
    assert by_row.freedom == FOLDS - 1


def test_shards_in_any_order_give_the_same(tmp_path: Path) -> None:
    case = with_days(CASES["binary"]())
    write_case(case, tmp_path, shards=2)
    given = inputs(tmp_path, baseline=False)
    turned = artifact(type(given["examples"][0]), tmp_path / "turned")
    turned.split_names = given["examples"][0].split_names
    _turn(tmp_path / "examples" / "Split-test", tmp_path / "turned" / "Split-test")

    one, _ = run(Executor(), case, given, tmp_path / "one", split_key="day")
    other, _ = run(Executor(), case, given | {"examples": [turned]}, tmp_path / "other", split_key="day")

    assert differences(content(one), content(other)) == []
    assert load(one)["overall", "candidate", "auc"].width > 0


def _turn(shards: Path, turned: Path) -> None:
    """Copies shards under each other's names."""
    turned.mkdir()
    names = sorted(path.name for path in shards.iterdir())
    for name, other in zip(names, reversed(names), strict=True):
        (turned / other).write_bytes((shards / name).read_bytes())


def test_a_verdict_is_on_the_value_whatever_its_interval(tmp_path: Path) -> None:
    case = measured([*range(30)], [1.0, 3.0] * 15)
    case = asking(case, bounds={"mean_absolute_error": 2.0})
    write_case(case, tmp_path)

    evaluation, blessing = run(Executor(), case, inputs(tmp_path, baseline=False), tmp_path, split_key="day")

    found = load(evaluation)["overall", "candidate", "mean_absolute_error"]
    assert found.value == 2.0 < found.upper
    assert blessing.get_int_custom_property("blessed") == 1


def test_a_row_without_the_key_is_named(tmp_path: Path) -> None:
    case = measured([1, 2], [1.0, 2.0])
    case = replace(case, rows=(*case.rows, {"grown": 0.0, "new": 1.0, "old": 0.0}))

    with pytest.raises(InputError, match=r"split key 'day': expected one value a row.*Received: 1 of 3 rows without"):
        error_of(case, tmp_path, split_key="day")


def test_intervals_are_on_unless_they_are_turned_off() -> None:
    values = CASES["binary"]().problem.model_dump(mode="json", exclude_defaults=True)
    del values["evaluation"]["intervals"]

    assert Problem.from_mapping(values, "problem.yaml").evaluation.intervals
