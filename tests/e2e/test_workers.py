"""Beam's work in threads and in processes of its own: the same artifacts, the same sentences, and one log."""

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow_metadata.proto.v0 import statistics_pb2

import run_local
from tests.crops import write_crops
from tests.e2e.conftest import crops_flags
from tests.e2e.running import command


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small spans."""
    return write_crops(tmp_path_factory.mktemp("data"), range(2019, 2021), 200)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """run(data, output, mode, last): up to a node, from a folder that is not the project's; its exit code."""
    monkeypatch.setattr("sys.argv", ["run_local.py"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)

    def start(data: Path, output: Path, mode: str, last: str = "ExampleGen") -> int:
        flags = ["--to", last, "--set", f"beam.running_mode={mode}"]
        return run_local.main(["--output", str(output), *crops_flags(data), *flags])

    return start


def artifact(output: Path, node: str, key: str) -> Path:
    """The folder of the only artifact of a node's output."""
    (folder,) = (output / "artifacts" / node / key).iterdir()
    return folder


def examples(artifact: Path) -> dict[str, Counter[bytes]]:
    """How often each record is in each split."""
    found: dict[str, Counter[bytes]] = {}
    for shard in sorted(artifact.glob("Split-*/*")):
        compression = "GZIP" if shard.suffix == ".gz" else ""
        records = tf.data.TFRecordDataset(str(shard), compression_type=compression).as_numpy_iterator()
        found.setdefault(shard.parent.name, Counter()).update(map(in_order, records))
    return found


def in_order(record: bytes) -> bytes:
    """The same tf.Example with its features in an order that no process draws for itself."""
    ordered: bytes = tf.train.Example.FromString(record).SerializeToString(deterministic=True)
    return ordered


def test_two_processes_make_the_examples_that_one_makes(run: Callable[..., int], data: Path, tmp_path: Path) -> None:
    assert run(data, tmp_path / "one", "in_memory") == 0
    # As a command, whose log is a file and not what the tests look at.
    sets = ["--set", "beam.running_mode=multi_processing", "--set", "beam.workers=2"]
    flags = [*crops_flags(data), "--to", "ExampleGen", *sets]
    done = subprocess.run(command(tmp_path / "two", *flags), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    one, two = (examples(artifact(tmp_path / name, "ExampleGen", "examples")) for name in ("one", "two"))
    assert one == two
    assert sum(split.total() for split in one.values()) == 400
    # What the two workers had to say is in the log, and nowhere else.
    log = (tmp_path / "two" / "runs" / "latest" / "run.log").read_text(encoding="utf-8")
    assert log.count("Python sdk harness exiting") == 2
    assert "harness" not in done.stdout + done.stderr


def test_threads_read_measure_and_transform_as_one_worker_does(
    run: Callable[..., int], data: Path, tmp_path: Path
) -> None:
    for mode in ("in_memory", "multi_threading"):
        assert run(data, tmp_path / mode, mode, "Transform") == 0
    one, two = (
        (
            examples(artifact(tmp_path / mode, "ExampleGen", "examples")),
            {
                path.parent.name: statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes())
                for path in artifact(tmp_path / mode, "StatisticsGen", "statistics").glob("*/FeatureStats.pb")
            },
            (artifact(tmp_path / mode, "Transform", "transform_graph") / "statistics.json").read_text("utf-8"),
            examples(artifact(tmp_path / mode, "Transform", "transformed_examples")),
        )
        for mode in ("in_memory", "multi_threading")
    )
    assert one == two
    assert len(one[1]) == 2


@pytest.mark.parametrize("mode", ["multi_threading", "multi_processing"])
def test_a_row_that_does_not_fit_is_named_from_a_worker(
    run: Callable[..., int], data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], mode: str
) -> None:
    spoiled = Path(shutil.copytree(data, tmp_path / "spoiled"))
    path = spoiled / "year-2020.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[6] = lines[6].replace(lines[6].split(",")[3], "soon", 1)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert run(spoiled, tmp_path / "bad", mode) == 2
    told = "year-2020.csv:7: column 'sowing_week': expected an integer. Received: 'soon'"
    assert told in "".join(capfd.readouterr())
    record = json.loads((tmp_path / "bad" / "runs" / "latest" / "run.json").read_text(encoding="utf-8"))
    assert told in record["error"]
