"""The compiled pipeline's own commands, run as Kubeflow's launcher runs them, on the real data."""

import json
from pathlib import Path
from typing import Any

import pytest

from reports.card.card_files import CARD_FILES
from tests.e2e.running import Run
from tests.kubeflow.conftest import PIPELINE_ROOT, Compile
from tests.kubeflow.launcher import Cluster, Done

NODES = (
    "ExampleGen",
    "ImportSchemaGen",
    "StatisticsGen",
    "ExampleValidator",
    "AnomalyGate",
    "Transform",
    "Trainer",
    "FineTuner",
    "Baseline",
    "Evaluator",
    "ServingValidator",
    "DeviceModels",
    "ReleaseGate",
    "ModelCard",
    "Pusher",
    "RunReport",
)


# One variant a backend, and one of weights that were fine-tuned for it.
FIRST = ("--quick", "--set", "device.variants=[float32, int8, pruned_int8]")
# What later runs show does not hang on how good a model is; of them none fine-tunes.
SHORT = ("--quick", "--set", "network.epochs=1", "--set", "device={variants: [float32]}")
NONE = ("--set", "evaluation.bounds={auc: 0.99}", "--set", "evaluation.changes={}")


@pytest.fixture(scope="module")
def first(cluster: Cluster, compiled: Compile) -> dict[str, Done]:
    """A run in a namespace where nothing has been released."""
    return cluster.run(compiled(*FIRST), PIPELINE_ROOT)


@pytest.fixture(scope="module")
def second(cluster: Cluster, compiled: Compile, first: dict[str, Done]) -> dict[str, Done]:
    """One more, with the first run's release for a baseline, whose model misses a bound."""
    del first
    return cluster.run(compiled(*SHORT, *NONE), PIPELINE_ROOT)


def statuses(done: dict[str, Done]) -> dict[str, str]:
    """How each task ended; with what the failed one printed."""
    for name, task in done.items():
        assert task.status != "failed", f"{name}:\n{task.printed()[-4000:]}"
    return {name: task.status for name, task in done.items()}


def manifests(volume: Path) -> list[dict[str, Any]]:
    """The manifests of the released versions, oldest first."""
    folder = volume / "output" / "pushed" / "nyc_flights_quick"
    found = sorted(folder.glob("[0-9]*/manifest.json"), key=lambda path: int(path.parent.name))
    return [json.loads(path.read_text(encoding="utf-8")) for path in found]


def test_the_first_run_ends_with_a_release_whose_metrics_are_those_of_a_local_run(
    first: dict[str, Done], flights_volume: Path, flights: Run
) -> None:
    assert statuses(first) == dict.fromkeys(NODES, "ran")
    assert "input 'baseline_model' has no files, so the node runs without it" in first["Evaluator"].printed()
    manifest = manifests(flights_volume)[0]
    assert manifest["metrics"] == pytest.approx(flights.record["metrics"]["candidate"], rel=1e-6)
    assert [variant["name"] for variant in manifest["variants"] if variant["accepted"]]
    pushed = first["Pusher"].outputs["pushed_model"]["metadata"]
    assert pushed["pushed_version"] == str(manifest["version"])


def test_examples_have_span_and_fingerprint(first: dict[str, Done]) -> None:
    metadata = first["ExampleGen"].outputs["examples"]["metadata"]
    # TFX writes it so where a type has a property of that name.
    assert metadata["custom:span"] == 12
    assert metadata["input_fingerprint"].startswith("1:")
    assert json.loads(metadata["split_names"]) == ["train", "eval", "test"]


def test_the_second_run_is_compared_with_the_first_ones_release(
    cluster: Cluster, second: dict[str, Done], flights_volume: Path
) -> None:
    # The schema is all that is in no file outside: what follows from raw data is computed anew, by what was kept of it.
    ran = dict.fromkeys((name for name in NODES if name != "FineTuner"), "ran")
    assert statuses(second) == {**ran, "ImportSchemaGen": "cached", "Pusher": "skipped"}
    baseline = second["Baseline"].outputs["model"]
    assert baseline["metadata"]["pushed_version"] == str(manifests(flights_volume)[0]["version"])
    assert (cluster.stored(baseline["uri"]) / "Format-Serving" / "saved_model.pb").is_file()
    assert "has no files" not in second["Evaluator"].printed()
    assert "0 of 12 spans to convert" in second["ExampleGen"].printed()


@pytest.mark.parametrize(("name", "verdict"), [("first", "✓ Blessed"), ("second", "✗ Not blessed")])
def test_report_and_card_come_out_whatever_the_verdict(
    cluster: Cluster, name: str, verdict: str, request: pytest.FixtureRequest
) -> None:
    done: dict[str, Done] = request.getfixturevalue(name)
    report, card = (
        cluster.stored(done[node].outputs[key]["uri"]) for node, key in (("RunReport", "report"), ("ModelCard", "card"))
    )
    page, told = (report / "report.html").read_text(encoding="utf-8"), json.loads((report / "report.json").read_text())
    assert verdict in page
    assert "is in the view that the orchestrator has of the run" in page
    assert "did not finish" not in page
    assert told["evaluation"]["slices"][0]["candidate"]["auc"]["value"] > 0.5
    assert set(told["statistics"]) == {"train", "eval", "test"}
    assert verdict in (card / "model_card.html").read_text(encoding="utf-8")
    assert (card / "model_card.md").read_text(encoding="utf-8").startswith("# Will this flight")


def test_a_release_holds_its_card(first: dict[str, Done], cluster: Cluster, flights_volume: Path) -> None:
    manifest = manifests(flights_volume)[0]
    version = flights_volume / "output" / "pushed" / "nyc_flights_quick" / str(manifest["version"])
    card = cluster.stored(first["ModelCard"].outputs["card"]["uri"])
    for name in CARD_FILES:
        assert name in manifest["files"]
        assert (version / name).read_bytes() == (card / name).read_bytes()


def test_a_model_that_is_not_blessed_is_not_pushed(second: dict[str, Done], flights_volume: Path) -> None:
    assert second["ReleaseGate"].outputs["blessing"]["metadata"]["blessed"] == 0
    assert second["Pusher"].status == "skipped"
    assert len(manifests(flights_volume)) == 1
