"""Ours and stock TFMA on the same rows and models: every number of every file."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from tensorflow_model_analysis.api import model_eval_lib

from reports.evaluation import sliced_metrics
from schema.row_ledger import FILE as ROW_COUNTS
from tests.evaluation.agreement import content, differences
from tests.evaluation.conftest import Evaluated

Evaluate = Callable[..., Evaluated]
COMBINATIONS = [("binary", False), ("binary", True), ("multiclass", True), ("regression", True)]


@pytest.mark.parametrize(("task", "baseline"), COMBINATIONS)
def test_every_metric_slice_plot_and_verdict_agrees_with_stock_tfma(
    evaluated: Evaluate, task: str, baseline: bool
) -> None:
    both = evaluated(task, baseline=baseline)

    theirs, ours = content(both.stock), content(both.ours)

    assert differences(theirs, ours) == []
    assert len(theirs) > 1000


@pytest.mark.parametrize(("task", "baseline"), COMBINATIONS)
def test_the_files_are_those_of_stock_tfma(evaluated: Evaluate, task: str, baseline: bool) -> None:
    both = evaluated(task, baseline=baseline)

    def files(folder: Path) -> list[str]:
        return sorted(path.name for path in folder.iterdir())

    assert files(both.ours) == sorted([*files(both.stock), ROW_COUNTS])
    assert (both.ours / "eval_config.json").read_text() == (both.stock / "eval_config.json").read_text()


@pytest.mark.parametrize(("task", "baseline"), COMBINATIONS)
def test_the_blessing_is_that_of_the_stock_executor(evaluated: Evaluate, task: str, baseline: bool) -> None:
    theirs, ours = evaluated(task, baseline=baseline).blessings

    assert ours.mlmd_artifact.custom_properties.keys() == theirs.mlmd_artifact.custom_properties.keys()
    assert ours.mlmd_artifact.custom_properties == theirs.mlmd_artifact.custom_properties
    assert [path.name for path in Path(ours.uri).iterdir()] == [path.name for path in Path(theirs.uri).iterdir()]


def test_tfmas_own_loader_reads_the_whole_result(evaluated: Evaluate) -> None:
    result = model_eval_lib.load_eval_result(str(evaluated("binary", baseline=True).ours), model_name="candidate")

    assert result.get_metrics_for_all_slices()[()]["example_count"] == {"doubleValue": 252.0}
    assert len(result.plots) == len(result.slicing_metrics)


def test_the_cases_hold_what_they_are_for(evaluated: Evaluate) -> None:
    binary = sliced_metrics(evaluated("binary", baseline=True).ours)
    regression = sliced_metrics(evaluated("regression", baseline=True).ours)

    # TFMA's AUC of rows of one class is 0. Probabilities of 0 and 1 have no log loss; a slice without them has one.
    assert binary["week=3"]["candidate"]["auc"] == 0.0
    assert math.isnan(binary["overall"]["candidate"]["log_loss"])
    assert math.isfinite(binary["week=2"]["candidate"]["log_loss"])
    # Where the site or the week is missing, a row is in no slice by it.
    sites = [rows["candidate"]["example_count"] for name, rows in binary.items() if name.startswith("site=")]
    assert 0 < sum(sites) < binary["overall"]["candidate"]["example_count"]
    assert {"acid=6.5", "site=north, week=2"} < set(regression)
    assert any(name.startswith("site=ö, week=") for name in regression)
    # A row without a number counts for no error, and leaves no mean.
    assert math.isnan(regression["week=3"]["candidate"]["mean_absolute_error"])
    assert math.isnan(regression["week=3"]["candidate"]["mean_prediction"])
    assert math.isfinite(regression["week=2"]["baseline"]["mean_absolute_error"])
