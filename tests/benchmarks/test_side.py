"""What a run cost, read from a real metadata store and from run.json."""

import json
import time
from pathlib import Path

import pytest
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2

from benchmarks.process import Finished, Sample
from benchmarks.side import artifact, finite, read_executions, read_ours, read_record, read_stock
from schema.errors import InputError


def store(output: Path, *nodes: str) -> dict[str, tuple[float, float]]:
    """A metadata store with one execution a node; returns when each began and ended."""
    output.mkdir(parents=True, exist_ok=True)
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(output / "metadata.sqlite")
    config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    made = metadata_store.MetadataStore(config)
    of_node = made.put_context_type(metadata_store_pb2.ContextType(name="node"))
    run = made.put_execution_type(metadata_store_pb2.ExecutionType(name="run"))
    times = {}
    for node in nodes:
        context = metadata_store_pb2.Context(type_id=of_node, name=f"flights.{node}")
        execution = metadata_store_pb2.Execution(type_id=run)
        (identity, _, _) = made.put_execution(execution, [], [context], reuse_context_if_already_exist=True)
        (written,) = made.get_executions_by_id([identity])
        times[node] = (written.create_time_since_epoch / 1e3, written.last_update_time_since_epoch / 1e3)
    return times


def finished(started: float) -> Finished:
    samples = (Sample(started, 100.0), Sample(started + 1000.0, 250.0))
    return Finished(started, 60.0, 0, samples, Path("stock.log"))


def test_stock_names_become_ours_and_the_chain_ends_with_pusher(tmp_path: Path) -> None:
    times = store(tmp_path, "CsvExampleGen", "latest_blessed_model_resolver", "Pusher")
    began = times["CsvExampleGen"][0] - 5.0
    side = read_stock(finished(began), tmp_path)
    assert list(side.nodes) == ["ExampleGen", "Baseline", "Pusher"]
    assert side.startup == pytest.approx(5.0, abs=1e-3)
    assert side.chain == pytest.approx(times["Pusher"][1] - began, abs=1e-3)
    assert (side.process, side.peak) == (60.0, 250.0)
    assert side.nodes["ExampleGen"].mebibytes == 100.0


def test_a_run_that_did_not_come_to_pusher_is_refused(tmp_path: Path) -> None:
    store(tmp_path, "CsvExampleGen", "Evaluator")
    with pytest.raises(InputError, match=r"without Pusher; its nodes were ExampleGen, Evaluator. Its log: stock\.log"):
        read_stock(finished(0.0), tmp_path)


def test_our_seconds_and_memory_are_those_of_the_run_record(tmp_path: Path) -> None:
    store(tmp_path, "ExampleGen", "Pusher")
    folder = tmp_path / "runs" / "latest"
    folder.mkdir(parents=True)
    nodes = [{"id": "ExampleGen", "seconds": 4.5, "peak_mb": 812.5}, {"id": "Pusher", "seconds": 0.5}]
    nodes.append({"id": "Resolver", "seconds": 0.1})
    (folder / "run.json").write_text(json.dumps({"nodes": nodes}), encoding="utf-8")
    side = read_ours(finished(0.0), tmp_path)
    assert {node: cost.seconds for node, cost in side.nodes.items()} == {"ExampleGen": 4.5, "Pusher": 0.5}
    assert side.nodes["ExampleGen"].recorded_mebibytes == 812.5
    assert side.nodes["Pusher"].recorded_mebibytes is None
    assert read_record(tmp_path)["nodes"] == nodes


def test_of_two_executions_of_a_node_the_latest_counts(tmp_path: Path) -> None:
    store(tmp_path, "Trainer")
    time.sleep(0.05)  # the store counts milliseconds
    second = store(tmp_path, "Trainer")
    assert read_executions(tmp_path)["Trainer"].start == pytest.approx(second["Trainer"][0], rel=0, abs=1e-3)


def test_the_newest_artifact_is_found_by_number(tmp_path: Path) -> None:
    for number in ("9", "10"):
        (tmp_path / "artifacts" / "Trainer" / "model" / number).mkdir(parents=True)
    assert artifact(tmp_path, "Trainer", "model").name == "10"


def test_an_artifact_that_is_absent_is_refused_with_its_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Trainer/model: no artifact"):
        artifact(tmp_path, "Trainer", "model")


def test_what_json_does_not_know_becomes_null() -> None:
    assert finite({"a": [1.0, float("nan")], "b": (float("inf"),)}) == {"a": [1.0, None], "b": [None]}
