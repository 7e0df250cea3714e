"""Variants judged beside the server model: Evaluator's own figures, every slice, and a model built to lose."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from components.device.device_scores import Judge, SliceWatch, with_causes
from components.evaluation import evaluator
from components.evaluation.batch_scoring import SERVER, Scored
from edge.benchmark.costs import measure_costs
from edge.convert.converter import convert_each
from edge.gate.variant_score import Cost, Facts, VariantScore
from edge.runtime.litert_model import Array, DeviceModel
from evaluation.slices import RowSlices
from models.export.raw_rows import Rows
from reports.artifacts.evaluation import sliced_metrics
from schema.metrics import MAIN
from schema.problem import Problem, Task
from schema.rows import Kind
from tests.components.conftest import as_example
from tests.edge import losing_form
from tests.evaluation.cases import CLASSES, Case, binary_case, multiclass_case, regression_case
from tests.evaluation.conftest import inputs, run, write_case

COST = Cost(1, 1, 1.0, 1.0, 1.0)


def finite(case: Case) -> Case:
    """The case without rows that the candidate has no finite answer to."""
    return replace(case, rows=tuple(row for row in case.rows if all(np.isfinite(row[name]) for name in case.candidate)))


def labels_of(case: Case) -> Array:
    label = case.problem.label
    values = [CLASSES.index(row[label]) if case.problem.classes else row[label] for row in case.rows]
    return np.array(values, np.float64 if case.problem.task is Task.REGRESSION else np.int64)


def answers(case: Case, names: tuple[str, ...]) -> Array:
    """Float32 [N, k]."""
    return np.array([[row[name] for name in names] for row in case.rows], np.float32)


def slices_of(case: Case, batch: int = 50) -> RowSlices:
    """The slices of the rows, which come in batches."""
    watch = SliceWatch(case.problem, case.schema())
    labels = labels_of(case)
    serialized = np.array([as_example(row) for row in case.rows], object)
    batches = [
        Rows(serialized[at : at + batch], {}, labels[at : at + batch], None) for at in range(0, len(labels), batch)
    ]
    assert list(watch.through(batches)) == batches
    return watch.result()


def judged(case: Case, variant: Array, **bounds: Any) -> VariantScore:
    """The candidate as the server model, and a variant with these answers."""
    problem = case.problem.model_copy(update={"device": case.problem.device.model_copy(update=bounds)})
    scored = Scored(labels_of(case), None, {SERVER: answers(case, case.candidate), "int8": variant})
    label = Kind.NUMBER if problem.task is Task.REGRESSION else Kind.INTEGER
    return Judge(problem, scored, slices_of(case), label).score("int8", COST, Facts())


@pytest.mark.parametrize("make", [binary_case, multiclass_case, lambda: finite(regression_case())])
def test_the_servers_figures_are_evaluators_on_every_slice(make: Callable[[], Case], tmp_path: Path) -> None:
    case = make()
    write_case(case, tmp_path)
    evaluation, _ = run(evaluator.Executor(), case, inputs(tmp_path, baseline=False), tmp_path / "made")
    expected = sliced_metrics(evaluation)
    found = judged(case, answers(case, case.candidate))

    metric = MAIN[case.problem.task]
    server = {"overall": found.server, **{one.slice: one.server for one in found.slices}}
    assert set(server) == set(expected)
    for slice_name, metrics in expected.items():
        rows = metrics["candidate"]["example_count"]
        # TFMA calls the area 0 where there is one class, which is none.
        one_class = metric == "auc" and server[slice_name] is None
        assert one_class or server[slice_name] == metrics["candidate"][metric], slice_name
        assert [one.rows for one in found.slices if one.slice == slice_name] in ([rows], [])
    assert case.problem.task is not Task.BINARY or server["week=3"] is None
    told = expected["overall"]["candidate"]
    for key, value in (("log_loss", found.log_loss), ("calibration", found.calibration)):
        if key in told and np.isfinite(told[key]):
            assert value == pytest.approx(told[key], rel=1e-12)


def test_a_regressions_figures_are_the_mean_errors_of_its_slices() -> None:
    case = finite(regression_case())
    found = judged(case, answers(case, ("old",)))
    errors = np.abs(labels_of(case).astype(np.float32) - answers(case, ("new",))[:, 0])

    assert (found.metric, found.log_loss, found.calibration) == ("mean_absolute_error", None, None)
    assert found.server == pytest.approx(float(errors.mean()), rel=1e-6)
    # The other column is one more than the label everywhere.
    assert found.value == pytest.approx(1.0, abs=1e-6)
    north = [place for place, row in enumerate(case.rows) if row.get("site") == "north"]
    (slice_of,) = [one for one in found.slices if one.slice == "site=north"]
    assert (slice_of.rows, slice_of.server) == (len(north), pytest.approx(float(errors[north].mean()), rel=1e-6))


def test_the_same_answers_change_nothing_for_sure() -> None:
    case = binary_case()
    found = judged(case, answers(case, case.candidate))

    assert (found.change, found.change_low, found.change_high) == (0.0, 0.0, 0.0)
    assert found.accepted
    assert all(one.change in (0.0, None) for one in found.slices)


def test_slices_are_crossed_named_and_in_order() -> None:
    case = multiclass_case()
    names = [one.slice for one in judged(case, answers(case, case.candidate)).slices]

    assert "site=north, week=1" in names
    assert [name for name in names if name.startswith("week=")] == ["week=1", "week=2", "week=3"]
    assert [name for name in names if name.startswith("acid=")] == names[:2]


def test_a_batch_makes_no_difference_to_the_slices() -> None:
    case = multiclass_case()
    small, large = slices_of(case, 7), slices_of(case, 1000)

    def pairs(found: RowSlices) -> set[tuple[int, Any]]:
        return {(row, found.keys[place]) for row, place in zip(found.row.tolist(), found.place.tolist(), strict=True)}

    assert small.keys == large.keys
    assert pairs(small) == pairs(large)


def test_a_variant_that_gives_no_number_is_rejected_without_figures() -> None:
    case = binary_case()
    broken = answers(case, case.candidate)
    broken[3] = np.nan
    found = judged(case, broken)

    assert (found.value, found.broken_rows, found.slices, found.accepted) == (None, 1, (), False)
    assert found.server is not None


def weather_problem(**evaluation: Any) -> Problem:
    """Is there a delay, by rain and pressure; judged by season."""
    values = {
        "name": "weather",
        "title": "Late?",
        "task": "binary",
        "label": "late",
        "data": {"path": ""},
        "features": {name: {"encoding": "quantiles"} for name in ("precip", "pressure")},
        "evaluation": {"slices": [["season"]], **evaluation},
    }
    return Problem.from_mapping(values, "problem.yaml")


def test_a_model_built_to_lose_is_rejected_with_the_slice_and_the_cause_named(tmp_path: Path) -> None:
    saved = losing_form.save(tmp_path / "saved")
    made, failed = convert_each({None: saved}, ["float32", "int8"], tmp_path / "made", losing_form.rows(1000, seed=1))
    rows = losing_form.rows(6000, seed=2)
    # It rains in summer alone, on odd rows; each of 60 days has 50 rows of both seasons.
    summer, day = np.arange(6000) % 2, np.arange(6000) // 100
    rows["precip"] = np.where(summer == 1, rows["precip"], np.float32(0))
    files = {variant.recipe: variant.path for variant in made}
    scores = {name: DeviceModel(path).predict(rows) for name, path in files.items()}
    labels = (np.random.default_rng(3).random(6000) < scores["float32"][:, 0]).astype(np.int64)
    places = np.arange(6000)
    slices = RowSlices(
        [(), (("season", "summer"),), (("season", "winter"),)],
        np.concatenate([places, places[summer == 1], places[summer == 0]]),
        np.repeat([0, 1, 2], [6000, 3000, 3000]),
    )
    scored = Scored(labels, pa.chunked_array([day]), {SERVER: scores["float32"], **scores})

    judge = Judge(weather_problem(), scored, slices)
    judged_all = [judge.score(name, cost, Facts()) for name, cost in measure_costs(files, rows).items()]
    float32, int8 = with_causes(judged_all, files, rows)

    assert failed == {}
    assert (float32.accepted, float32.cause, float32.pareto) == (True, None, True)
    assert (int8.accepted, int8.pareto) == (False, False)
    assert int8.worst_slice is not None
    assert int8.worst_slice.slice == "season=summer"
    assert int8.reasons[0].startswith("auc 0.")
    assert any(" on season=summer (3,000 rows) is 0." in reason for reason in int8.reasons)
    assert int8.cause is not None
    assert int8.cause.startswith("pressure and precip share one int8 scale (step 4.08): precip, 0 to 1.")
    assert int8.cause.endswith("has 1 of 256 levels")


def test_days_decide_what_is_noise() -> None:
    # Of 40 days the variant turns one upside down; rows taken one by one would call that a sure loss.
    random = np.random.default_rng(5)
    day = np.repeat(np.arange(40), 50)
    labels = random.integers(0, 2, 2000)
    server = np.clip(0.5 + 0.2 * (labels - 0.5) + 0.1 * random.standard_normal(2000), 0, 1).astype(np.float32)[:, None]
    variant = server.copy()
    variant[day == 7] = 1 - variant[day == 7]
    slices = RowSlices([()], np.arange(2000), np.zeros(2000, np.int64))

    def accepted(keys: Array | None) -> VariantScore:
        scored = Scored(labels, None if keys is None else pa.chunked_array([keys]), {SERVER: server, "int8": variant})
        problem = weather_problem(slices=[])
        return Judge(problem, scored, slices).score("int8", COST, Facts())

    by_day, by_row = accepted(day), accepted(None)
    assert by_day.change == by_row.change
    assert by_day.change_high == pytest.approx(0.0, abs=1e-9)
    assert by_row.change_high is not None
    assert by_row.change_high < 0
