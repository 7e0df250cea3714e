"""The model card in both of its forms: what it says of whom, and what it does not say."""

import copy
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from reports.artifacts.intervals import Estimate
from reports.card.card_files import CARD_FILES, HTML, MARKDOWN
from reports.card.model_card import write_model_card
from reports.runs.run import Run, run_of_artifacts
from schema.run_warnings import write_warnings
from schema.training_record import Comparison, TrainingRecord, WarmStarted, write_training_record
from tests.model_cards import CONFIG, MISSED, VARIANTS, lay_out, variant
from tests.reports.evaluations import binary, one_slice

HOSTILE = "carrier=<script>alert(1)</script>|`x` [y](z)"


@pytest.fixture
def first(tmp_path: Path, first_evaluation: Path) -> dict[str, Path]:
    """Artifacts of a first model that missed a bound."""
    return lay_out(tmp_path / "first", first_evaluation, (MISSED,))


@pytest.fixture
def second(tmp_path: Path, second_evaluation: Path) -> dict[str, Path]:
    """Artifacts of a blessed model that has a baseline."""
    return lay_out(tmp_path / "second", second_evaluation)


def card(artifacts: dict[str, Path], folder: Path, **problem: Any) -> tuple[str, str]:
    """The page and the Markdown, of a problem with these keys changed."""
    config = copy.deepcopy(CONFIG)
    config["problem"] |= problem
    return written(run_of_artifacts(artifacts, config), folder)


def written(run: Run, folder: Path) -> tuple[str, str]:
    """Both forms of a run's card."""
    write_model_card(run, folder)
    page, markdown = ((folder / name).read_text(encoding="utf-8") for name in CARD_FILES)
    return page, markdown


def line(markdown: str, *cells: str) -> list[str]:
    """The cells of the one table line that begins with these."""
    rows = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in markdown.splitlines() if row[:1] == "|"]
    found = [row for row in rows if row[: len(cells)] == list(cells)]
    assert len(found) == 1, (cells, found)
    return found[0][len(cells) :]


def test_warnings_and_what_followed_the_rows_are_in_both_forms(second: dict[str, Path], tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    compared = Comparison(metric="log_loss", rows=9, candidate=0.5, constant=0.7, linear=0.25, linear_leads=True)
    record = TrainingRecord(
        rows=30,
        replicas=1,
        batch_size=16,
        steps_per_epoch=1,
        epochs=512,
        patience=2,
        numeric_knots=8,
        derived=("batch_size", "epochs"),
        epochs_run=1,
        best_epoch=1,
        eval_losses=(0.5,),
        comparison=compared,
        warm_start=WarmStarted(tensors=12, taken=3, lost=("head: other classes",)),
    )
    write_training_record(record, run)
    write_warnings(["the model is worse than <linear>"], run)
    network = {**CONFIG["problem"]["network"], "batch_size": None, "epochs": None}

    page, markdown = card({**second, "Trainer.model_run": run}, tmp_path / "card", network=network)

    assert "<li>Trainer: the model is worse than &lt;linear&gt;</li>" in page
    assert "- Warning: Trainer: the model is worse than &lt;linear&gt;" in markdown
    assert line(markdown, "batch_size")[0] == "16, by the number of rows"
    assert line(markdown, "epochs")[0] == "512, by the number of rows"
    assert line(markdown, "patience")[0] == "2"
    assert line(markdown, "warm start") == [
        "3 of 12 tensors taken over",
        "from the model released before: head: other classes",
    ]
    errors = [line(markdown, f"error of {name}")[0] for name in ("this model", "a linear model", "a constant")]
    assert errors == ["0.5", "0.25", "0.7"]


def test_a_training_without_a_record_says_which_settings_follow_the_rows(
    second: dict[str, Path], tmp_path: Path
) -> None:
    _, markdown = card(second, tmp_path / "card", network={**CONFIG["problem"]["network"], "epochs": None})

    assert line(markdown, "epochs")[0] == "follows the rows"


def test_figures_are_those_of_the_evaluation_in_both_forms(second: dict[str, Path], tmp_path: Path) -> None:
    page, markdown = card(second, tmp_path / "card")

    # 15 of 16 pairs are in order, and all of the baseline's.
    assert line(markdown, "auc", "0 to 1")[:3] == ["0.9375", "1.0000", "-0.0625"]
    assert 'data-value="0.9375"' in page
    assert line(markdown, "binary_accuracy", "share of rows")[0] == "0.7500"


def test_an_interval_stands_behind_its_figure(second: dict[str, Path], tmp_path: Path) -> None:
    run = run_of_artifacts(second, CONFIG)
    vars(run)["evaluation"] = binary(one_slice("overall", 9000, 0.7))
    _, markdown = written(run, tmp_path / "card")
    assert line(markdown, "auc", "0 to 1")[0] == "0.7000 [0.6900, 0.7100]"


def test_a_blessed_model_says_so_and_a_refused_one_says_why(
    first: dict[str, Path], second: dict[str, Path], tmp_path: Path
) -> None:
    page, markdown = card(second, tmp_path / "a")
    assert "✓ Blessed" in page
    assert "\n**Blessed**\n" in markdown
    page, markdown = card(first, tmp_path / "b")
    assert "✗ Not blessed" in page
    assert "\n**Not blessed**\n" in markdown
    assert MISSED in page
    assert f"- {MISSED}\n" in markdown


def test_a_first_model_has_nothing_to_be_compared_with(first: dict[str, Path], tmp_path: Path) -> None:
    page, markdown = card(first, tmp_path / "card")
    for text in (page, markdown):
        assert "There is no baseline: no other model was released before this one." in text
        assert "against the baseline" not in text


def test_each_bound_stands_beside_what_was_measured(
    first: dict[str, Path], second: dict[str, Path], tmp_path: Path
) -> None:
    _, markdown = card(first, tmp_path / "a")
    assert line(markdown, "auc", "≥ 0.95") == ["0.9375", "✗ missed"]
    assert line(markdown, "binary_accuracy", "≥ 0.7") == ["0.7500", "✓ held"]
    # UA has six rows and holds; HA has two, too few to be judged.
    assert line(markdown, "binary_accuracy, by carrier", "≥ 0.7") == ["1 of 1 slices", "✓ held"]
    _, markdown = card(second, tmp_path / "b")
    assert line(markdown, "binary_accuracy", "change ≥ -0.1") == ["-0.2500", "✗ missed"]
    assert line(markdown, "device variants accepted", "≥ 1") == ["1 of 2", "✓ held"]


def test_a_slice_of_few_rows_is_shown_and_not_judged(first: dict[str, Path], tmp_path: Path) -> None:
    _, markdown = card(first, tmp_path / "card")
    assert line(markdown, "carrier=HA")[0] == "2"
    assert line(markdown, "carrier=HA")[-1] == "not judged: few rows"
    assert line(markdown, "carrier=UA")[-1] == "held"
    assert "1 of 2 slices have fewer than 3 rows and are not judged." in markdown
    assert re.search(r"- carrier=UA: 1\.0000.*, \+0\.0625 against all rows, of 6 rows", markdown)


def test_the_serving_check_is_told_with_its_reasons(first: dict[str, Path], tmp_path: Path) -> None:
    verdict = {"passed": False, "reasons": ["'probability' is not finite in 2 of 9 answers"], "rows": 9}
    (first["ServingValidator.verdict"] / "verdict.json").write_text(json.dumps(verdict), encoding="utf-8")
    _, markdown = card(first, tmp_path / "card")
    checked = "served alike by both loaders and all signatures"
    assert line(markdown, checked, "no reason against it") == ["9 rows asked", "✗ failed"]
    assert "- serving: 'probability' is not finite in 2 of 9 answers" in markdown


def test_data_features_training_and_lineage_are_told(second: dict[str, Path], tmp_path: Path) -> None:
    _, markdown = card(second, tmp_path / "card")
    assert "41 rows of spans 3 to 4." in markdown
    assert line(markdown, "3") == ["10", "1", "3", "03-cafe-all"]
    assert line(markdown, "score", "number", "quantiles, 16 buckets") == ["0 to 1", "how late it was before, hours"]
    assert line(markdown, "learning_rate") == ["0.01", "AdamW's step size at its peak"]
    assert line(markdown, "source fingerprint") == ["1a2b"]
    assert "Knows no weather." in markdown
    # Nothing was logged, so which epoch was kept is not known.
    assert "epoch kept" not in markdown


def test_a_sample_is_told_to_be_one(second: dict[str, Path], tmp_path: Path) -> None:
    _, markdown = written(run_of_artifacts(second, {**CONFIG, "sample_rows": 20000}), tmp_path / "card")
    assert "a seeded sample of about 20,000 rows" in " ".join(markdown.split())


def test_what_a_tuner_found_is_what_the_model_has(second: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "tuned"
    folder.mkdir()
    found = {"values": {"learning_rate": 0.005, "hidden_units": [32, 16]}}
    (folder / "best_hyperparameters.txt").write_text(json.dumps(found), encoding="utf-8")
    _, markdown = card({**second, "Tuner.best_hyperparameters": folder}, tmp_path / "card")
    assert line(markdown, "learning_rate")[0] == "0.005, tuned"
    assert line(markdown, "hidden_units")[0] == "32, 16, tuned"
    assert line(markdown, "members")[0] == "2"


def test_a_problem_without_limits_is_told_to_have_none(second: dict[str, Path], tmp_path: Path) -> None:
    page, markdown = card(second, tmp_path / "card", limits="", description="")
    for text in (page, markdown):
        assert "None are written down: problem.yaml has no limits." in text


def test_without_a_variant_for_devices_there_is_no_code_for_them(tmp_path: Path, first_evaluation: Path) -> None:
    artifacts = lay_out(tmp_path / "made", first_evaluation, (), [variant("int8", "calibration rows: none")])
    page, markdown = card(artifacts, tmp_path / "card")
    assert "Interpreter" not in page + markdown
    assert line(markdown, "int8", "✗ rejected")
    assert "int8: calibration rows: none." in markdown


def test_the_code_on_the_card_runs_in_a_released_version(
    second: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, markdown = card(second, tmp_path / "card")
    version = tmp_path / "version"
    shutil.copytree(second["Trainer.model"] / "Format-Serving", version)
    shutil.copytree(second["DeviceModels.device_models"], version / "device")
    monkeypatch.chdir(version)
    rows, server, device = re.findall(r"```python\n(.*?)\n```", markdown, re.DOTALL)
    assert '"score": np.array([np.nan], np.float32)' in rows
    filled = rows.replace("np.nan", "0.5, 0.25")
    for code in (server, device):
        exec(f"{filled}\n{code}", {})  # noqa: S102 (a person would paste it)
        assert re.search(r"0\.25\D+0\.125", capsys.readouterr().out)


def test_the_same_artifacts_give_the_same_bytes_wherever_they_lie(second: dict[str, Path], tmp_path: Path) -> None:
    moved = {name: tmp_path / "elsewhere" / path.name for name, path in second.items()}
    for name, path in second.items():
        shutil.copytree(path, moved[name])
    before, after = card(second, tmp_path / "a"), card(moved, tmp_path / "b")
    assert before == after
    assert str(tmp_path) not in "".join(before)


def test_what_users_write_is_shown_and_acts_nowhere(first: dict[str, Path], tmp_path: Path) -> None:
    names = {"title": "<img src=x onerror=y>?", "description": "a | b `c`", "limits": "# not\n\n<b>a heading</b>"}
    run = run_of_artifacts(first, {**CONFIG, "problem": {**CONFIG["problem"], **names}})
    # In the place of what is read from the evaluation when it is asked for.
    vars(run)["evaluation"] = binary(one_slice("overall", 9000, 0.7), one_slice(HOSTILE, 8000, 0.6))
    page, markdown = written(run, tmp_path / "card")

    for text in (page, markdown):
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "<b>a heading" not in text
    assert "carrier=&lt;script&gt;alert(1)&lt;/script&gt;|`x` [y](z)" in page
    assert r"carrier=&lt;script&gt;alert(1)&lt;/script&gt;\|\`x\` [y\](z)" in markdown
    assert "\n\\# not &lt;b&gt;a heading&lt;/b&gt;\n" in markdown


def test_nothing_is_asked_of_a_network(second: dict[str, Path], tmp_path: Path) -> None:
    page, _ = card(second, tmp_path / "card")
    assert re.findall(r"""(?:src|href)=["'](?!data:|#)""", page) == []


@pytest.mark.parametrize("count", [0, 1, 200])
def test_any_number_of_slices_is_told_whole(first: dict[str, Path], tmp_path: Path, count: int) -> None:
    slices = [one_slice(f"carrier=C{place:03}", 2000, 0.5 + place / 1000) for place in range(count)]
    run = run_of_artifacts(first, CONFIG)
    vars(run)["evaluation"] = binary(one_slice("overall", 9000, 0.7), *slices)
    page, markdown = written(run, tmp_path / "card")

    for text in (page, markdown):
        assert len(set(re.findall(r"carrier=C\d{3}", text))) == count
    assert (f"All {count} slices" in page) == (count > 0)
    assert ("- carrier=C000: 0.5000 [0.4900, 0.5100], -0.2000" in markdown) == (count > 0)


def test_a_figure_that_is_no_number_is_told_to_be_none(first: dict[str, Path], tmp_path: Path) -> None:
    whole = one_slice("overall", 9000, 0.7)
    whole.sides["candidate"]["auc"] = Estimate(float("nan"))
    run = run_of_artifacts(first, CONFIG)
    vars(run)["evaluation"] = binary(whole)
    page, markdown = written(run, tmp_path / "card")
    assert line(markdown, "auc", "0 to 1")[0] == "not defined"
    assert "nan" not in re.sub(r"np\.nan", "", markdown)
    assert "not defined" in page


def test_the_files_are_the_ones_that_a_version_has() -> None:
    assert CARD_FILES == (HTML, MARKDOWN) == ("model_card.html", "model_card.md")
    assert [one["accepted"] for one in VARIANTS] == [True, False]
