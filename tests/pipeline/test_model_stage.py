"""The nodes that train: which there are, what the fine-tuner gets, and whom its settings concern."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tfx.types import standard_artifacts
from tfx.types.channel import Channel

from edge.convert.recipes import RECIPES
from pipeline.config.pipeline_config import Config, load_config
from pipeline.stages import model
from pipeline.stages.model import ModelStage, techniques
from schema.techniques import Technique

# By name, which technique each asks for.
ASKING = {"first": "quantization_aware", "second": "pruned", "third": "pruned", "fourth": None}


@pytest.fixture(autouse=True)
def _recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, technique in ASKING.items():
        monkeypatch.setitem(RECIPES, name, replace(RECIPES["float32"], name=name, technique=technique))


def config(tmp_path: Path, *sets: str, variants: str = "[first, second, third, fourth]") -> Config:
    return load_config("nyc_flights", output=str(tmp_path), sets=[f"device.variants={variants}", *sets])


def staged(config: Config) -> ModelStage:
    outputs = {
        "transformed_examples": Channel(type=standard_artifacts.Examples),
        "transform_graph": Channel(type=standard_artifacts.TransformGraph),
    }
    schema = Channel(type=standard_artifacts.Schema)
    return model.stage(config, SimpleNamespace(transform=SimpleNamespace(outputs=outputs), schema=schema))  # type: ignore[arg-type]


def node(found: ModelStage, name: str) -> Any:
    return next(each for each in found.nodes if each.id == name)


def custom_config(found: ModelStage, name: str) -> dict[str, Any]:
    given: dict[str, Any] = json.loads(node(found, name).exec_properties["custom_config"])
    return given


def test_each_technique_that_a_recipe_asks_for_is_trained_once(tmp_path: Path) -> None:
    assert techniques(config(tmp_path)) == (Technique.PRUNED, Technique.QUANTIZATION_AWARE)
    assert json.loads(custom_config(staged(config(tmp_path)), "FineTuner")["techniques"]) == [
        "pruned",
        "quantization_aware",
    ]


def test_without_such_a_recipe_nothing_is_fine_tuned(tmp_path: Path) -> None:
    found = staged(config(tmp_path, variants="[float32, fourth]"))

    assert [each.id for each in found.nodes] == ["Trainer"]
    assert found.fine_tuned is None
    assert list(found.records) == ["model_run"]


def test_the_fine_tuner_starts_from_the_trainers_model_with_the_tuners_setting(tmp_path: Path) -> None:
    found = staged(config(tmp_path, "tuning.enabled=true"))

    assert [each.id for each in found.nodes] == ["Tuner", "Trainer", "FineTuner"]
    tuner = node(found, "FineTuner")
    assert tuner.inputs["base_model"].producer_component_id == "Trainer"
    assert tuner.inputs["hyperparameters"].producer_component_id == "Tuner"
    assert tuner.exec_properties["run_fn"] == "models.entrypoints.fine_tuner.run_fn"
    assert found.fine_tuned.producer_component_id == "FineTuner"
    assert found.model.producer_component_id == "Trainer"
    producers = {name: channel.producer_component_id for name, channel in found.records.items()}
    assert producers == {"model_run": "Trainer", "hyperparameters": "Tuner", "fine_tuning_run": "FineTuner"}


def test_a_warm_start_is_the_trainers_alone(tmp_path: Path) -> None:
    found = staged(config(tmp_path, "training.warm_start=true"))

    assert node(found, "Trainer").inputs["base_model"].producer_component_id == "WarmStart"
    assert node(found, "FineTuner").inputs["base_model"].producer_component_id == "Trainer"


@pytest.mark.parametrize("setting", ["device.fine_tuning.epochs=5", "device.fine_tuning.pattern=two_of_four"])
def test_settings_of_fine_tuning_train_no_model_again(setting: str, tmp_path: Path) -> None:
    before, after = (staged(config(tmp_path, *sets)) for sets in ((), (setting,)))

    assert custom_config(before, "Trainer") == custom_config(after, "Trainer")
    assert custom_config(before, "FineTuner") != custom_config(after, "FineTuner")


def test_other_settings_of_devices_fine_tune_nothing_again(tmp_path: Path) -> None:
    before, after = (staged(config(tmp_path, f"device.calibration_rows={rows}")) for rows in (64, 128))

    assert custom_config(before, "FineTuner") == custom_config(after, "FineTuner")


def test_in_pods_it_has_resources_of_its_own(tmp_path: Path) -> None:
    found = load_config(
        "nyc_flights",
        output=str(tmp_path),
        environment="kubeflow",
        sets=[
            "device.variants=[second]",
            "training.strategy=multi_worker_mirrored",
            "training.workers=2",
            "kubeflow.nodes.FineTuner={cpu: 3}",
        ],
    )

    tuner = node(staged(found), "FineTuner")

    assert tuner.exec_properties["run_fn"] == "pipeline.training_jobs.trainjob_run_fn.run_fn"
    pods = json.loads(json.loads(tuner.exec_properties["custom_config"])["pods"])
    assert (pods["count"], pods["resources"]["cpu"]) == (2, 3)
