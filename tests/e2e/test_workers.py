"""Beam's work in processes of its own: the same examples, the same sentences, and one log."""

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf

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
    """run(data, output, workers): ExampleGen alone, from a folder that is not the project's; its exit code."""
    monkeypatch.setattr("sys.argv", ["run_local.py"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)

    def start(data: Path, output: Path, workers: int) -> int:
        flags = ["--to", "ExampleGen", "--set", f"beam.workers={workers}"]
        return run_local.main(["--output", str(output), *crops_flags(data), *flags])

    return start


def examples(output: Path) -> dict[str, Counter[bytes]]:
    """How often each record is in each split."""
    artifact = next((output / "artifacts" / "ExampleGen" / "examples").iterdir())
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
    assert run(data, tmp_path / "one", 1) == 0
    # As a command, whose log is a file and not what the tests look at.
    flags = [*crops_flags(data), "--to", "ExampleGen", "--set", "beam.workers=2"]
    done = subprocess.run(command(tmp_path / "two", *flags), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    one, two = examples(tmp_path / "one"), examples(tmp_path / "two")
    assert one == two
    assert sum(split.total() for split in one.values()) == 400
    # What the two workers had to say is in the log, and nowhere else.
    log = (tmp_path / "two" / "runs" / "latest" / "run.log").read_text(encoding="utf-8")
    assert log.count("Python sdk harness exiting") == 2
    assert "harness" not in done.stdout + done.stderr


def test_a_row_that_does_not_fit_is_named_from_another_process(
    run: Callable[..., int], data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    spoiled = Path(shutil.copytree(data, tmp_path / "spoiled"))
    path = spoiled / "year-2020.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[6] = lines[6].replace(lines[6].split(",")[3], "soon", 1)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert run(spoiled, tmp_path / "bad", 2) == 2
    told = "year-2020.csv:7: column 'sowing_week': expected an integer. Received: 'soon'"
    assert told in "".join(capfd.readouterr())
    record = json.loads((tmp_path / "bad" / "runs" / "latest" / "run.json").read_text(encoding="utf-8"))
    assert told in record["error"]
