"""Other tables from their problem folders alone: several classes, and a number."""

import json
import sqlite3
from pathlib import Path

from tests.e2e.conftest import crops_flags
from tests.e2e.running import Run, run_local


def test_a_problem_of_three_classes_is_pushed(crops: Run) -> None:
    assert crops.code == 0, crops.stdout + crops.stderr
    assert crops.record["status"] == "pushed"
    assert crops.record["metrics"]["candidate"]["accuracy"] > 0.7
    assert [variant["metric"] for variant in crops.record["variants"]] == ["accuracy"] * 4


def test_a_regression_is_pushed(harvest: Run) -> None:
    assert harvest.code == 0, harvest.stdout + harvest.stderr
    assert harvest.record["status"] == "pushed"
    # The noise in the yield is 0.3 tonnes, and an eighth of the rain is missing.
    assert harvest.record["metrics"]["candidate"]["mean_absolute_error"] < 0.8
    assert all(variant["log_loss"] is None and variant["accepted"] for variant in harvest.record["variants"])


def test_the_next_window_reads_and_analyses_the_new_span_alone(crops: Run, crops_data: Path) -> None:
    cache = crops.output / "cache"
    kept = ("spans/*", "statistics/*", "analyses/*/*/*/*")
    before = {path: path.stat().st_mtime_ns for pattern in kept for path in cache.glob(pattern)}
    # Other tests may have had other data converted into the same folder.
    counts = [len(list(cache.glob(pattern))) for pattern in kept]
    assert min(counts) >= 2
    run = run_local(crops.output, *crops_flags(crops_data), "--span-window", "2020:2021")
    assert run.code == 0, run.stdout
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert [len(list(cache.glob(pattern))) for pattern in kept] == [count + 1 for count in counts]
    log = (run.folder / "run.log").read_text(encoding="utf-8")
    assert "1 of 2 spans to convert" in log
    assert "1 of 2 shards to analyse" in log
    listing = json.loads((run.artifact("ExampleGen", "examples") / "spans.json").read_text(encoding="utf-8"))
    assert [entry["span"] for entry in listing] == [2020, 2021]
    # The model that the first window released is what this one is held against.
    assert run.record["metrics"]["baseline"]["accuracy"] > 0.5


def test_metadata_is_in_the_output_folder(crops: Run) -> None:
    with sqlite3.connect(crops.output / "metadata.sqlite") as store:
        types = {name for (name,) in store.execute("select name from Type")}
    assert {"Examples", "Model", "ModelBlessing", "components.DeviceModels", "PushedModel"} <= types


def test_tuned_settings_and_a_warm_start_reach_the_trainer(crops: Run, crops_data: Path) -> None:
    tuning = ["tuning.enabled=true", "tuning.trials=2", "tuning.epochs=1", "training.warm_start=true"]
    flags = [flag for setting in tuning for flag in ("--set", setting)]
    run = run_local(crops.output, *crops_flags(crops_data), "--span-window", ":2020", *flags)
    assert run.code == 0, run.stdout
    assert (run.statuses["Tuner"], run.statuses["WarmStart"], run.statuses["Trainer"]) == ("ran", "ran", "ran")
    results = json.loads((run.artifact("Tuner", "tuner_results") / "tuner_results.json").read_text(encoding="utf-8"))
    assert len(results) == 2
    assert {"learning_rate", "dropout", "weight_decay", "embedding_size", "score"} <= set(results[0])
    started = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))["training"]["warm_start"]
    assert 0 < started["taken"] <= started["tensors"]
    assert f"  warm start: {started['taken']} of {started['tensors']} tensors taken over" in run.stdout
