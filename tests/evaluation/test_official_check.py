"""Our metrics of a sample of rows against TFMA's own evaluation of it, and what the check makes of a lost row."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.evaluation.eval_config import eval_config
from evaluation.disagreement import Disagreement, against_official, disagreements
from evaluation.official import official_metrics
from evaluation.official_check import compared, official_check
from evaluation.recount import answered_rows, row_count, write_sample
from evaluation.slices import RowSlices
from schema.errors import InputError
from tests.evaluation.cases import Case
from tests.evaluation.conftest import CASES, write_case

SAMPLE = 150


def sliced_by_site(task: str) -> Case:
    """TFMA takes its time per slice."""
    case = CASES[task]()
    evaluation = case.problem.evaluation.model_copy(update={"slices": (("site",),)})
    return replace(case, problem=case.problem.model_copy(update={"evaluation": evaluation}))


def written(task: str, folder: Path) -> tuple[Case, Path, list[Path]]:
    """The case, its model and its shards."""
    case = sliced_by_site(task)
    write_case(case, folder, shards=2)
    return case, folder / "candidate" / "Format-Serving", sorted((folder / "examples" / "Split-test").iterdir())


def test_a_sample_is_evaluated_alike_here_and_by_tfma(tmp_path: Path) -> None:
    case, model, shards = written("multiclass", tmp_path)

    found = official_check(model, shards, len(case.rows), eval_config(case.problem), case.schema(), 3, SAMPLE)

    assert found.disagreements == ()
    assert found.not_compared == ()
    # All rows and three sites.
    assert (found.rows, found.slices) == (SAMPLE, 4)
    assert found.values == 4 * 3


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The binary case, of which a sample is answered, and TFMA's metrics of the sample."""
    folder = tmp_path_factory.mktemp("binary")
    case, model, shards = written("binary", folder)
    write_sample(shards, folder / "sample", len(case.rows), SAMPLE, 3)
    answered = answered_rows(model, [folder / "sample"], eval_config(case.problem), case.schema())
    theirs = official_metrics(model, folder / "sample", eval_config(case.problem), case.schema(), folder / "evaluation")
    return case, answered, theirs


def test_a_certain_answer_leaves_the_log_loss_out_and_says_so(sample: Any) -> None:
    case, answered, theirs = sample
    config = eval_config(case.problem)
    certain = int(np.isin(answered.predictions, (0, 1)).sum())

    found = compared(answered, SAMPLE, answered.metrics(config), theirs, config)

    assert found.disagreements == ()
    assert found.values == 4 * 5
    assert certain > 0
    assert found.not_compared == (
        f"log_loss: {certain} of {SAMPLE} rows have a probability within 1e-07 of 0 or 1, which is clipped here and "
        "not by TFMA",
    )


def without_row(slices: RowSlices, row: int) -> RowSlices:
    """The slices as if a row had been lost, in all slices or in none."""
    kept = slices.row != row
    return RowSlices(slices.keys, slices.row[kept], slices.place[kept])


def test_one_lost_row_is_found_with_the_slice_and_both_counts(sample: Any) -> None:
    case, answered, theirs = sample
    config = eval_config(case.problem)
    row = next(int(row) for row, place in zip(answered.slices.row, answered.slices.place, strict=True) if place > 0)
    damaged = replace(answered, slices=without_row(answered.slices, row))

    found = compared(damaged, SAMPLE, damaged.metrics(config), theirs, config)

    counts = {one.slice: (one.one, one.other) for one in found.disagreements if one.metric == "example_count"}
    assert counts[()] == (SAMPLE - 1, SAMPLE)
    assert [key[0][0] for key in counts if key] == ["site"]
    assert {one.metric for one in found.disagreements} > {"example_count", "calibration"}


def test_one_wrong_label_is_found_though_no_row_is_missing(sample: Any) -> None:
    case, answered, theirs = sample
    config = eval_config(case.problem)
    damaged = replace(answered, labels=np.concatenate([[1 - answered.labels[0]], answered.labels[1:]]))

    found = compared(damaged, SAMPLE, damaged.metrics(config), theirs, config)

    assert {one.metric for one in found.disagreements if one.slice == ()} >= {"auc", "pr_auc", "calibration"}


def test_what_is_undefined_here_agrees_with_the_0_or_1_of_tfma_alone() -> None:
    def found(theirs: float) -> list[Disagreement]:
        return against_official({(): {"auc": None}}, {(): {"auc": theirs}}, 1.0)

    assert found(0.0) == found(1.0) == []
    assert found(0.7) == [Disagreement("auc", (), None, 0.7)]
    assert disagreements({(): {"auc": None}}, {(): {"auc": 0.0}}, 1.0) == [Disagreement("auc", (), None, 0.0)]


@pytest.mark.parametrize(
    ("metric", "one", "other", "scale", "alike"),
    [
        ("example_count", 1e9, 1e9 + 1, 1.0, False),
        ("auc", 0.71801, 0.71802, 1.0, True),
        ("auc", 0.7180, 0.7183, 1.0, False),
        # In farad: the size of the answers says what is nothing.
        ("mean_absolute_error", 2e-13, 3e-13, 1e-9, False),
        ("mean_absolute_error", 2e-16, 3e-16, 1e-9, True),
        ("mean_squared_error", 2e-26, 3e-26, 1e-9, False),
        ("mean_squared_error", 2e-31, 3e-31, 1e-9, True),
    ],
)
def test_counts_are_exact_and_other_metrics_alike_to_their_own_size(
    metric: str, one: float, other: float, scale: float, alike: bool
) -> None:
    assert (disagreements({"a": {metric: one}}, {"a": {metric: other}}, scale) == []) is alike


def test_a_slice_that_one_evaluation_lacks_is_a_disagreement() -> None:
    assert disagreements({}, {"site=a": {"example_count": 3.0}}, 1.0) == [
        Disagreement("example_count", "site=a", None, 3.0)
    ]


def test_a_sample_is_the_same_for_a_seed_and_all_rows_where_there_are_no_more(tmp_path: Path) -> None:
    _, _, shards = written("regression", tmp_path)
    rows = row_count(shards)

    def drawn(seed: int, count: int) -> bytes:
        assert write_sample(shards, tmp_path / "sample", rows, count, seed) == min(count, rows)
        return (tmp_path / "sample").read_bytes()

    assert drawn(1, 20) == drawn(1, 20) != drawn(2, 20)
    assert drawn(1, rows) == drawn(2, 10 * rows)
    assert row_count([tmp_path / "sample"]) == rows == 200


def test_no_rows_are_refused(tmp_path: Path) -> None:
    case, model, _ = written("regression", tmp_path)

    with pytest.raises(InputError, match=r"expected rows to evaluate it on\. Received: none"):
        answered_rows(model, [], eval_config(case.problem), case.schema())
