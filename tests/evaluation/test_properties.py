"""Metrics, counts and slices of any rows, against references written plainly in float64.

The area under the ROC curve is TFMA's, over 10,000 thresholds of the probability. Where scores are equal or 1/512 apart
it is the rank sum's to 1e-9; in general it differs by at most half of the pairs of a positive and a negative row whose
scores differ by less than two buckets, 2e-4.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorflow_model_analysis.metrics import binary_confusion_matrices
from tensorflow_model_analysis.utils import config_util

from components.evaluation.eval_config import eval_config
from evaluation.analysis import _merged, _plan
from evaluation.computations import computations
from evaluation.folds import FoldRule
from evaluation.intervals import intervals
from evaluation.recount import answered_rows
from evaluation.rows import row_reader
from evaluation.shard_totals import Resampling, ShardTotals, SliceTotals
from evaluation.slices import GrowingSlices, row_slices
from tests.evaluation.cases import Case, binary_case
from tests.evaluation.conftest import write_case
from tests.evaluation.test_forms import forms, in_vectors, scored
from tests.evaluation.vectors import THRESHOLD, merged, vectors

quick = settings(
    deadline=None, derandomize=True, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

EXTREMES = [0.0, 1.0, 1e-30, 1e-7, 9.999e-5, 1e-4, 0.37, 0.5, 1 - 2**-24, 1 - 2**-23, 1e-45]
PROBABILITIES = st.one_of(st.sampled_from(EXTREMES), st.floats(0, 1, width=32))
APART = st.integers(0, 512).map(lambda number: number / 512)


def binary_rows(probabilities: Any) -> Any:
    """Lists of (label, probability)."""
    return st.lists(st.tuples(st.integers(0, 1), probabilities), min_size=1, max_size=40)


def columns(rows: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    """The rows' columns; floats as the float32 that a model answers, in float64."""
    labels, scores = zip(*rows, strict=True)
    return np.array(labels), np.array(scores, np.float32).astype(np.float64)


def rank_area(labels: Any, scores: Any) -> float:
    """The share of pairs of a positive and a negative row in order, a tie counting half."""
    pairs = np.sign(scores[labels == 1][:, np.newaxis] - scores[labels == 0])
    return float((pairs + 1).mean() / 2) if pairs.size else math.nan


def near_pairs(labels: Any, scores: Any) -> float:
    """The share of pairs that may lie between the same two of TFMA's thresholds and are no ties."""
    apart = np.abs(scores[labels == 1][:, np.newaxis] - scores[labels == 0])
    return float(((apart < 2e-4) & (apart > 0)).mean()) if apart.size else 0.0


def precision_recall_area(labels: Any, scores: Any) -> float:
    """Davis and Goadrich's interpolation (2006): between two thresholds precision is (tp + t) / (p + t dp / dtp)."""
    if not 0 < labels.sum() < len(labels):
        return math.nan
    area, tp, p = 0.0, 0.0, 0.0
    for score in sorted(set(scores.tolist()), reverse=True):
        dtp, dp = float(labels[scores == score].sum()), float((scores == score).sum())
        slope = dtp / dp
        intercept = tp - slope * p
        area += slope * (dtp + (intercept * math.log((p + dp) / p) if p else 0.0))
        tp, p = tp + dtp, p + dp
    return float(area / labels.sum())


@quick
@given(binary_rows(PROBABILITIES))
def test_binary_metrics_are_the_references(rows: list[tuple[int, float]]) -> None:
    labels, scores = columns(rows)
    clipped = np.clip(scores, 1e-7, 1 - 1e-7)
    losses = np.where(labels == 1, -np.log(clipped), -np.log1p(-clipped))

    found = vectors("binary").metrics(labels, scores)

    assert found["example_count"] == len(rows)
    assert found["log_loss"] == pytest.approx(math.fsum(losses) / len(rows), rel=1e-9)
    assert found["binary_accuracy"] == pytest.approx(((scores > THRESHOLD) == labels).mean(), rel=1e-12)
    expected = math.fsum(scores) / labels.sum() if labels.any() else math.nan
    assert found["calibration"] == pytest.approx(expected, rel=1e-9, nan_ok=True)
    area = rank_area(labels, scores)
    assert math.isnan(found["auc"]) == math.isnan(found["pr_auc"]) == math.isnan(area)
    if not math.isnan(area):
        assert abs(found["auc"] - area) <= near_pairs(labels, scores) / 2 + 1e-9
        assert 0 <= found["pr_auc"] <= 1 + 1e-9


@quick
@given(binary_rows(APART))
def test_areas_of_scores_that_are_apart_are_the_references(rows: list[tuple[int, float]]) -> None:
    labels, scores = columns(rows)

    found = vectors("binary").metrics(labels, scores)

    assert found["auc"] == pytest.approx(rank_area(labels, scores), abs=1e-9, nan_ok=True)
    assert found["pr_auc"] == pytest.approx(precision_recall_area(labels, scores), abs=1e-9, nan_ok=True)


SCORES = st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3)


@quick
@given(
    st.lists(st.tuples(st.integers(0, 2), SCORES.filter(lambda scores: sum(scores) > 1e-3)), min_size=1, max_size=30)
)
def test_class_metrics_are_the_references_and_every_row_is_in_the_confusion_matrix(
    rows: list[tuple[int, list[float]]],
) -> None:
    labels, scores = columns(rows)
    scores /= scores.sum(axis=1, keepdims=True)
    answers = scores.astype(np.float32).astype(np.float64)
    clipped = np.clip(answers, 1e-7, 1 - 1e-7)
    losses = -np.log(clipped[np.arange(len(labels)), labels] / clipped.sum(axis=1))
    (pairs,) = forms("MultiClassConfusionMatrixPlot", thresholds=[0.5])

    found = vectors("multiclass").metrics(labels, answers)

    assert found["accuracy"] == pytest.approx((answers.argmax(axis=1) == labels).mean(), rel=1e-6)
    # Keras takes the logarithms in float32.
    assert found["log_loss"] == pytest.approx(losses.mean(), rel=1e-5, abs=1e-6)
    assert sum(in_vectors(pairs, scored(labels, answers))[0.5].values()) == len(rows)


MAGNITUDES = st.one_of(
    st.just(0.0),
    st.builds(
        lambda sign, mantissa, power: sign * mantissa * 10.0**power,
        st.sampled_from([-1, 1]),
        st.floats(1, 9),
        st.integers(-30, 30),
    ),
)


@quick
@given(st.lists(st.tuples(MAGNITUDES, MAGNITUDES), min_size=1, max_size=30))
def test_regression_metrics_are_the_references_at_any_magnitude(rows: list[tuple[float, float]]) -> None:
    labels, answers = columns(rows)
    errors = np.abs(labels - answers)

    found = vectors("regression").metrics(labels, answers)

    assert found["mean_absolute_error"] == pytest.approx(math.fsum(errors) / len(rows), rel=1e-12, abs=0)
    assert found["mean_squared_error"] == pytest.approx(math.fsum(errors**2) / len(rows), rel=1e-12, abs=0)
    noise = 1e-12 * math.fsum(np.abs(answers)) / len(rows)
    assert found["mean_prediction"] == pytest.approx(math.fsum(answers) / len(rows), rel=0, abs=noise)


@quick
@given(binary_rows(PROBABILITIES), st.randoms(use_true_random=False), st.integers(1, 7))
def test_rows_in_any_order_and_parts_merged_in_any_order_give_the_same(
    rows: list[tuple[int, float]], random: Any, parts: int
) -> None:
    whole = vectors("binary").metrics(*columns(rows))
    shuffled = random.sample(rows, len(rows))
    totals = [vectors("binary").totals(*columns(shuffled[part::parts])) for part in range(min(parts, len(rows)))]
    random.shuffle(totals)
    while len(totals) > 1:
        taken = [totals.pop(random.randrange(len(totals))) for _ in range(min(len(totals), random.randint(2, 3)))]
        totals.append(merged(taken))

    assert vectors("binary").shown(totals[0]) == pytest.approx(whole, rel=1e-9, abs=1e-12, nan_ok=True)


@quick
@given(binary_rows(PROBABILITIES))
def test_every_row_is_in_the_confusion_matrix_at_every_threshold(rows: list[tuple[int, float]]) -> None:
    labels, scores = columns(rows)
    found = vectors("binary").results(vectors("binary").totals(labels, scores)).values()

    matrices = [value for value in found if isinstance(value, binary_confusion_matrices.Matrices)]

    assert {len(matrix.thresholds) for matrix in matrices} == {1, 10_000}
    for matrix in matrices:
        tp, tn, fp, fn = (np.array(counts) for counts in (matrix.tp, matrix.tn, matrix.fp, matrix.fn))
        assert (tp + fn == labels.sum()).all()
        assert (fp + tn == len(labels) - labels.sum()).all()


VALUES = st.sampled_from([None, "a", "b", "ö", ""])


@quick
@given(st.lists(st.tuples(VALUES, st.sampled_from([None, 0, 1, -(2**62)])), max_size=40), st.integers(1, 9))
def test_slices_of_a_feature_and_the_rows_without_it_are_all_rows_in_batches_of_any_size(
    rows: list[tuple[str | None, int | None]], batch: int
) -> None:
    growing = GrowingSlices()
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        sites, weeks = ([[] if row[place] is None else [row[place]] for row in part] for place in (0, 1))
        table = {"site": pa.array(sites, pa.list_(pa.binary())), "week": pa.array(weeks, pa.list_(pa.int64()))}
        growing.add(row_slices(table, [(), ("site",), ("week",), ("site", "week")], len(part)), len(part))

    found = growing.result()
    counts = dict(zip(found.keys, np.bincount(found.place, minlength=len(found.keys)).tolist(), strict=True))

    assert counts.get((), 0) == len(rows)
    for names in [("site",), ("week",), ("site", "week")]:
        summed = sum(count for key, count in counts.items() if tuple(name for name, _ in key) == names)
        places = [("site", "week").index(name) for name in names]
        assert summed == sum(all(row[place] is not None for place in places) for row in rows)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> tuple[Case, list[Path]]:
    """The binary case with a day per row, in six shards."""
    case, folder = binary_case(), tmp_path_factory.mktemp("shards")
    rows = tuple({**row, "day": number % 31} for number, row in enumerate(case.rows))
    case = Case(case.problem, rows, case.candidate, case.baseline, folder)
    write_case(case, folder, shards=6)
    return case, sorted((folder / "examples" / "Split-test").iterdir())


@pytest.fixture(scope="module")
def shard_totals(shards: tuple[Case, list[Path]]) -> Any:
    """shard_totals(batch rows): the DoFn that sums a shard, with its model loaded once."""
    case, _ = shards
    asked = case.problem.evaluation.model_copy(update={"intervals": True})
    config = config_util.update_eval_config_with_defaults(
        eval_config(case.problem.model_copy(update={"evaluation": asked})), has_baseline=False, rubber_stamp=True
    )
    tree = computations(config)
    places = intervals(config, tree)
    assert places is not None
    schema, names = case.schema(), ["late", "site", "week", "day"]
    loaded = ShardTotals(
        _plan(
            config,
            tree,
            {"": case.folder / "candidate" / "Format-Serving"},
            row_reader(schema, names, 1),
            Resampling(FoldRule("day"), places.places),
        )
    )
    loaded.setup()

    def totals(shard: Path, batch_rows: int) -> Iterator[tuple[Any, SliceTotals]]:
        plan = loaded._plan
        small = ShardTotals(type(plan)(row_reader(schema, names, batch_rows), *tuple(vars(plan).values())[1:]))
        small._models = loaded._models
        return small.process(str(shard))

    return totals


def by_slice(parts: Sequence[dict[Any, SliceTotals]]) -> dict[Any, SliceTotals]:
    """The merge of parts, as Beam's combiner is asked for it."""
    keys = {key for part in parts for key in part}
    return {key: _merged([part[key] for part in parts if key in part]) for key in keys}


@pytest.fixture(scope="module")
def whole(shards: tuple[Case, list[Path]], shard_totals: Any) -> dict[Any, SliceTotals]:
    """The totals of all shards in their order, each in one batch."""
    return by_slice([dict(shard_totals(shard, 8192)) for shard in shards[1]])


@settings(parent=quick, max_examples=8)
@given(order=st.permutations(range(6)), batch_rows=st.integers(4, 60), first=st.integers(1, 5))
def test_shards_in_any_order_batches_of_any_size_and_merges_of_merges_give_the_same(
    shards: tuple[Case, list[Path]],
    shard_totals: Any,
    whole: dict[Any, SliceTotals],
    order: list[int],
    batch_rows: int,
    first: int,
) -> None:
    case, files = shards
    parts = [dict(shard_totals(files[number], batch_rows)) for number in order]
    found = by_slice([by_slice(parts[first:]), by_slice(parts[:first])])

    assert found.keys() == whole.keys()
    # The first leaf counts rows; its totals are exact.
    assert found[()].whole[0].sums.tolist() == [[len(case.rows)]]
    for key, totals in whole.items():
        for mine, theirs in zip((*found[key].whole, *found[key].folded), (*totals.whole, *totals.folded), strict=True):
            assert mine.keys.tolist() == theirs.keys.tolist()
            np.testing.assert_allclose(mine.sums, theirs.sums, rtol=1e-9)


def test_a_recount_without_beam_counts_every_row_once(shards: tuple[Case, list[Path]]) -> None:
    case, files = shards
    config = eval_config(case.problem)

    found = answered_rows(case.folder / "candidate" / "Format-Serving", files, config, case.schema(), 50)

    sites = [row.get("site") for row in case.rows]
    counts = {key: values["example_count"] for key, values in found.metrics(config).items()}
    assert counts[()] == len(case.rows)
    assert {key[0][1]: count for key, count in counts.items() if key and key[0][0] == "site"} == {
        site: sites.count(site) for site in set(sites) - {None}
    }
