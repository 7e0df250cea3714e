"""The sample problem from its spans to a released version, and what a second run does."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reports.card.card_files import CARD_FILES, MARKDOWN
from tests.e2e.running import FLIGHTS, VARIANTS, Run, run_local

NODES = [
    *["ExampleGen", "ImportSchemaGen", "StatisticsGen", "ExampleValidator", "AnomalyGate", "Transform", "Trainer"],
    *["FineTuner", "Baseline", "DeviceModels", "ServingValidator", "Evaluator", "ReleaseGate", "ModelCard", "Pusher"],
]


def test_a_first_run_pushes_a_blessed_model(flights: Run) -> None:
    assert flights.code == 0, flights.stdout + flights.stderr
    record = flights.record
    assert (record["status"], record["blessed"], record["reasons"]) == ("pushed", True, [])
    assert flights.statuses == dict.fromkeys(NODES, "ran")
    assert (
        Path(record["pushed"]["path"]) == flights.output / "pushed" / "nyc_flights_quick" / record["pushed"]["version"]
    )


def test_the_screen_has_at_most_40_lines_and_says_what_matters(flights: Run) -> None:
    lines = flights.stdout.splitlines()
    assert len(lines) <= 40
    assert flights.stderr == ""
    for said in (*NODES, "auc", "no baseline", flights.record["pushed"]["version"], "run.json"):
        assert said in flights.stdout


def test_every_device_variant_is_on_the_screen_or_counted_as_one_more(flights: Run) -> None:
    # How many have room depends on the warnings: a model that the linear one beats takes three lines more.
    shown = [name for name in VARIANTS if re.search(rf"^  {name} ", flights.stdout, re.MULTILINE)]
    counted = re.search(r"and (\d+) more, \d+ of them accepted", flights.stdout)
    assert shown == list(VARIANTS[: len(shown)])
    assert len(shown) + (int(counted[1]) if counted else 0) == len(VARIANTS)


def test_the_record_has_what_machines_read(flights: Run) -> None:
    record = flights.record
    assert {"auc", "pr_auc", "binary_accuracy", "log_loss", "calibration"} <= set(record["metrics"]["candidate"])
    assert record["metrics"]["baseline"] == {}
    assert record["metrics"]["candidate"]["auc"] > 0.65
    wanted = {"name", "bytes", "gzip_bytes", "auc", "flip_rate", "latency_p50_us", "accepted"}
    assert all(wanted <= set(variant) for variant in record["variants"])
    # Each row is drawn by itself: a standard deviation of 140 rows.
    assert sum(record["rows"][split] for split in ("train", "eval", "test")) == pytest.approx(20_000, abs=700)


def test_each_variant_is_accepted_close_to_the_server_and_smaller(flights: Run) -> None:
    variants = {variant["name"]: variant for variant in flights.record["variants"]}
    assert tuple(variants) == VARIANTS
    server = flights.record["metrics"]["candidate"]["auc"]
    for variant in variants.values():
        if variant["technique"] is None:
            assert variant["accepted"], variant["reasons"]
            # TFMA's AUC is interpolated between 10,000 thresholds; ours is exact.
            assert abs(variant["auc"] - server) < 0.002 + 0.0005
    for name in ("dynamic_int8", "int8"):
        assert variants[name]["bytes"] <= 0.30 * variants["float32"]["bytes"]


def test_a_pruned_variant_is_fine_tuned_and_shrinks_where_it_is_compressed(flights: Run) -> None:
    float32, int8, pruned = (
        variant for variant in flights.record["variants"] if variant["name"] in ("float32", "int8", "pruned_int8")
    )
    assert pruned["technique"] == "pruned"
    # Zeros take no bytes but in a file that is compressed.
    assert pruned["bytes"] == pytest.approx(int8["bytes"], rel=0.01)
    assert pruned["gzip_bytes"] <= 0.15 * float32["gzip_bytes"]
    # What a sample's few rows make of it may be worse than the gate allows, and is no other model.
    assert pruned["auc"] == pytest.approx(flights.record["metrics"]["candidate"]["auc"], abs=0.02)


def test_a_version_is_whole_and_its_manifest_true(flights: Run) -> None:
    version = flights.output / "pushed" / "nyc_flights_quick" / "current"
    manifest = json.loads((version / "manifest.json").read_text(encoding="utf-8"))
    files = {path.relative_to(version).as_posix() for path in version.rglob("*") if path.is_file()}
    assert files == {"manifest.json", *manifest["files"]}
    assert {"saved_model.pb", *CARD_FILES} <= files
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((version / name).read_bytes()).hexdigest() == digest
    assert set(manifest["signatures"]) == {"serving_default", "predict_rows", "transform_features"}
    assert manifest["metrics"]["auc"] == flights.record["metrics"]["candidate"]["auc"]


def test_a_version_has_every_accepted_variant_in_three_forms_and_no_other(flights: Run) -> None:
    device = flights.output / "pushed" / "nyc_flights_quick" / "current" / "device"
    accepted = [variant["name"] for variant in flights.record["variants"] if variant["accepted"]]
    forms = {name + form for name in accepted for form in (".tflite", ".ids.tflite", ".packed.tflite")}
    told = {"manifest.json", "README.md", "LICENSES.md", "vocab.json", "golden.json"}
    assert {path.name for path in device.iterdir()} == forms | told
    manifest = json.loads((device / "manifest.json").read_text(encoding="utf-8"))
    assert [variant["name"] for variant in manifest["variants"]] == accepted
    golden = json.loads((device / "golden.json").read_text(encoding="utf-8"))
    assert set(golden["expected"]) == set(accepted)


def test_the_card_in_a_version_has_the_figures_of_the_run(flights: Run) -> None:
    version = flights.output / "pushed" / "nyc_flights_quick" / "current"
    page, markdown = ((version / name).read_text(encoding="utf-8") for name in CARD_FILES)
    for name, value in flights.record["metrics"]["candidate"].items():
        assert f'data-value="{value}"' in page
        shown = f"{value:,.0f}" if name == "example_count" else f"{value:.4f}"
        assert re.search(rf"^\| {name} .*\| +{re.escape(shown)}( \[[^|]*\])? \|", markdown, re.MULTILINE), name
    for variant in flights.record["variants"]:
        verdict = "✓ accepted" if variant["accepted"] else "✗ rejected"
        on_front = "✓ yes" if variant["pareto"] else ""
        quality = rf"{variant['name']} +\| {verdict} +\| +{variant['value']:.4f}"
        costs = rf"{variant['name']} +\| {on_front} *\| +{variant['bytes']:,} \| +{variant['gzip_bytes']:,}"
        for row in (quality, costs):
            assert re.search(rf"^\| {row} \|", markdown, re.MULTILINE), row
    assert "wind_speed" in markdown
    assert {f"{node}: trained per epoch" in markdown for node in ("Trainer", "FineTuner")} == {True}
    assert flights.record["run_id"] not in page + markdown


def test_the_code_on_the_card_answers_in_the_version(flights: Run) -> None:
    version = flights.output / "pushed" / "nyc_flights_quick" / "current"
    rows, *codes = re.findall(r"```python\n(.*?)\n```", (version / MARKDOWN).read_text(encoding="utf-8"), re.DOTALL)
    told = [
        subprocess.run(
            [sys.executable, "-c", f"{rows}\n{code}"], cwd=version, capture_output=True, text=True, check=True
        ).stdout
        for code in codes
    ]
    server, device = (float(found[1]) for found in (re.search(r"(0\.\d+)", answer) for answer in told) if found)
    assert server == pytest.approx(device, abs=1e-4)


def test_library_output_is_in_the_log_alone(flights: Run) -> None:
    log = (flights.folder / "run.log").read_text(encoding="utf-8")
    assert "absl" in log
    assert "absl" not in flights.stdout


def test_an_unchanged_run_is_cached_wherever_the_project_lies(flights: Run) -> None:
    first = flights.record
    again = run_local(flights.output, *FLIGHTS)
    assert again.code == 0
    assert again.statuses == dict.fromkeys(NODES, "cached")
    causes = {node["id"]: node["why"] for node in again.record["nodes"]}
    assert causes.pop("Baseline") == "no other model was released before this one"
    assert set(causes.values()) == {f"nothing changed since run {first['run_id']}"}
    assert again.record["pushed"] == first["pushed"]
    assert again.stdout.count("cached") == len(NODES)


def test_a_missed_bound_pushes_nothing_and_names_the_metric(flights: Run) -> None:
    before = sorted((flights.output / "pushed" / "nyc_flights_quick").iterdir())
    run = run_local(flights.output, *FLIGHTS, "--set", "evaluation.bounds.auc=0.99")
    assert run.code == 4
    assert (run.record["status"], run.record["blessed"], run.record["pushed"]) == ("not blessed", False, None)
    assert "auc" in run.stdout
    assert "below its floor 0.99" in run.record["reasons"][0]
    assert run.statuses["Trainer"] == "cached"
    assert run.statuses["Pusher"] == "skipped"
    causes = {node["id"]: node["why"] for node in run.record["nodes"]}
    assert causes["Evaluator"] == "changed setting: eval_config.metrics_specs"
    assert causes["Pusher"] == "condition not met: not blessed"
    assert sorted((flights.output / "pushed" / "nyc_flights_quick").iterdir()) == before


def test_an_edited_network_is_trained_again_and_nothing_before_it(flights: Run, project: Path) -> None:
    with edited(project / "models" / "network" / "network.py", "\n# edited\n"):
        run = run_local(flights.output, *FLIGHTS, project=project)
    assert run.code == 0, run.stdout
    cached = [node for node, status in run.statuses.items() if status == "cached"]
    assert cached == ["ExampleGen", "ImportSchemaGen", "StatisticsGen", "ExampleValidator", "AnomalyGate", "Transform"]
    assert run.statuses["Baseline"] == "ran"
    causes = {node["id"]: node["why"] for node in run.record["nodes"]}
    assert causes["Trainer"] == "changed source"
    assert causes["Baseline"] == "a model has been released since"
    # The same weights on the same rows: the released model is the baseline, and nothing has changed.
    assert run.record["metrics"]["baseline"]["auc"] == pytest.approx(run.record["metrics"]["candidate"]["auc"])


def test_an_edited_schema_is_checked_anew(flights: Run, project: Path) -> None:
    closed = 'feature { name: "surprise" type: BYTES presence { min_count: 1 } not_in_environment: "SERVING" }\n'
    with edited(project / "schema" / "nyc_flights" / "schema.pbtxt", closed):
        run = run_local(flights.output, *FLIGHTS, project=project)
    assert run.code == 2
    assert "column 'surprise' of the schema is missing" in run.stdout


@contextmanager
def edited(path: Path, added: str) -> Iterator[None]:
    """The file with a text added to its end, for a while."""
    before = path.read_text(encoding="utf-8")
    path.write_text(before + added, encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(before, encoding="utf-8")
