"""Ours and stock TFMA on the same rows and models: every number of every file."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from tensorflow_model_analysis.api import model_eval_lib

from reports.artifacts.evaluation import sliced_metrics
from schema.row_ledger import FILE as ROW_COUNTS
from tests.evaluation.agreement import content, differences, without_value_in_stock
from tests.evaluation.conftest import Evaluated

Evaluate = Callable[..., Evaluated]
COMBINATIONS = [("binary", False), ("binary", True), ("multiclass", True), ("regression", True)]


@pytest.mark.parametrize(("task", "baseline"), COMBINATIONS)
def test_every_metric_slice_plot_and_verdict_agrees_with_stock_tfma_where_it_has_a_value(
    evaluated: Evaluate, task: str, baseline: bool
) -> None:
    both = evaluated(task, baseline=baseline)

    theirs, ours = content(both.stock), content(both.ours)

    apart = differences(theirs, ours)
    assert [one for one in apart if not without_value_in_stock(theirs, one)] == []
    assert bool(apart) == (task == "binary")
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

    # Week 3 is of one class; probabilities of 0 and 1 are in no week. Stock TFMA has no value of either.
    stock = sliced_metrics(evaluated("binary", baseline=True).stock)
    assert (stock["week=3"]["candidate"]["auc"], stock["week=3"]["candidate"]["pr_auc"]) == (0.0, 1.0)
    assert math.isnan(binary["week=3"]["candidate"]["auc"])
    assert math.isnan(stock["overall"]["candidate"]["log_loss"])
    assert math.isfinite(binary["overall"]["candidate"]["log_loss"])
    assert math.isfinite(stock["week=2"]["candidate"]["log_loss"])
    # Where the site or the week is missing, a row is in no slice by it.
    sites = [rows["candidate"]["example_count"] for name, rows in binary.items() if name.startswith("site=")]
    assert 0 < sum(sites) < binary["overall"]["candidate"]["example_count"]
    assert {"acid=6.5", "site=north, week=2"} < set(regression)
    assert any(name.startswith("site=ö, week=") for name in regression)
