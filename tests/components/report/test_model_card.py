"""The nodes that write for people: from artifacts to files, whatever else a run has."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tfx.types.artifact import Artifact
from tfx.types.standard_artifacts import (
    Examples,
    HyperParameters,
    Model,
    ModelBlessing,
    ModelEvaluation,
    ModelRun,
    Schema,
)

from components.artifacts import DeviceModels, ModelCard, Verdict
from components.report.model_card import ModelCardGen
from reports.card.card_files import CARD_FILES
from schema.row_ledger import RowCount, write_counts
from tests.model_cards import CONFIG, MISSED, lay_out

_TYPES: dict[str, tuple[str, type[Artifact]]] = {
    "ExampleGen.examples": ("examples", Examples),
    "ImportSchemaGen.schema": ("schema", Schema),
    "Trainer.model": ("model", Model),
    "Evaluator.evaluation": ("evaluation", ModelEvaluation),
    "ServingValidator.verdict": ("serving", Verdict),
    "DeviceModels.device_models": ("device_models", DeviceModels),
    "ReleaseGate.blessing": ("blessing", ModelBlessing),
}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, artifact: Callable[..., Any], first_evaluation: Path) -> Write:
    """write(*reasons, name=artifact, ...): the folder that the node writes of a model with these reasons against it."""

    def run(*reasons: str, **optional: Artifact) -> Path:
        folders = lay_out(tmp_path / "made", first_evaluation, reasons)
        given = {_TYPES[name][0]: artifact(_TYPES[name][1], path) for name, path in folders.items()}
        card = artifact(ModelCard, tmp_path / "card")
        ModelCardGen.test_call(card=card, config=json.dumps(CONFIG), fingerprint="", **given, **optional)
        return Path(card.uri)

    return run


def test_both_files_are_written_and_nothing_else(write: Write) -> None:
    assert sorted(path.name for path in write().iterdir()) == ["model_card.html", "model_card.md"]


def test_a_model_that_is_not_blessed_has_a_card_too(write: Write) -> None:
    text = (write(MISSED) / "model_card.md").read_text(encoding="utf-8")
    assert "**Not blessed**" in text
    assert MISSED in text


def test_what_only_some_runs_have_is_taken_up(write: Write, artifact: Callable[..., Any], tmp_path: Path) -> None:
    tuned = artifact(HyperParameters, tmp_path / "tuned")
    values = json.dumps({"values": {"epochs": 3}})
    (tmp_path / "tuned" / "best_hyperparameters.txt").write_text(values, encoding="utf-8")
    assert "3, tuned" in (write(hyperparameters=tuned) / "model_card.md").read_text(encoding="utf-8")


def test_the_rows_of_a_fine_tuning_stand_in_the_card(
    write: Write, artifact: Callable[..., Any], tmp_path: Path
) -> None:
    counts = [RowCount("trained per epoch", 29, 30, split="train", of="prune", dropped={"left for the next epoch": 1})]
    write_counts(counts, tmp_path / "fine_tuning" / "prune")
    (tmp_path / "fine_tuning" / "prune" / "train").mkdir()

    card = write(fine_tuning_run=artifact(ModelRun, tmp_path / "fine_tuning"))

    page, text = ((card / name).read_text(encoding="utf-8") for name in CARD_FILES)
    assert "FineTuner: trained per epoch" in page
    (row,) = [line for line in text.splitlines() if "FineTuner" in line]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == ["FineTuner: trained per epoch", "train, prune", "29", "1 left for the next epoch", "30", "✓ yes"]
