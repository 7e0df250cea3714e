"""A flipped bit in any file that the data nodes keep: the same result as without it, and the file named."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from models.data.dataset import feature_spec
from pipeline.config.pipeline_config import Config, load_config
from pipeline.graph import create_pipeline
from pipeline.local.node_result import NodeResult
from pipeline.local.runner import LocalRunner, compile_graph
from tests.crops import PROBLEMS, write_crops
from tests.damage import flip_bit
from tests.pipeline.release_graph import unheard


@dataclass(frozen=True)
class Kept:
    """An output folder of one problem, and what its data nodes came to before anything was damaged."""

    config: Config
    content: dict[str, Any]


def run(config: Config) -> dict[str, NodeResult]:
    """One run up to Transform."""
    runs = config.output / "ids"
    runs.mkdir(parents=True, exist_ok=True)
    run_id = f"run-{len(list(runs.iterdir()))}"
    (runs / run_id).touch()
    runner = LocalRunner(compile_graph(create_pipeline(config)), run_id)
    runner.choose(None, "Transform")
    return {result.id: result for result in runner.run(unheard)}


def content(config: Config) -> dict[str, Any]:
    """What the newest artifacts hold: rows by shard, as values, and all statistics."""
    spec = feature_spec(config.bound)
    rows = {
        f"{shard.parent.name}/{shard.name}": {
            name: column.numpy().tolist() for name, column in tf.io.parse_example(serialized(shard), spec).items()
        }
        for shard in newest(config, "Transform", "transformed_examples").glob("Split-*/*.gz")
    }
    known = (newest(config, "Transform", "transform_graph") / "statistics.json").read_text(encoding="utf-8")
    counted = {
        path.parent.name: path.read_bytes()
        for key in ("statistics", "split_statistics")
        for path in newest(config, "StatisticsGen", key).glob("Split-*/*")
    }
    return {"rows": rows, "known": known, **counted}


def serialized(shard: Path) -> list[bytes]:
    return list(tf.data.TFRecordDataset(str(shard), compression_type="GZIP").as_numpy_iterator())


def newest(config: Config, node: str, key: str) -> Path:
    return max((config.output / "artifacts" / node / key).iterdir(), key=lambda path: int(path.name))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Of two spans of the second table."""
    folder = tmp_path_factory.mktemp("kept")
    data = write_crops(folder / "data", range(2019, 2021))
    config = load_config(str(PROBLEMS / "crops"), data=str(data), output=str(folder / "output"))
    run(config)
    return Kept(config, content(config))


def flipped(files: Iterable[Path]) -> list[Path]:
    """Flips a bit of each file, once where it has several names."""
    seen: dict[int, Path] = {}
    for path in sorted(files):
        if path.is_file() and path.stat().st_size:
            seen.setdefault(path.stat().st_ino, path)
    for path in seen.values():
        flip_bit(path)
    return list(seen.values())


def named(results: dict[str, NodeResult], files: Iterable[Path]) -> list[Path]:
    """The files that no notice names."""
    told = "\n".join(notice for result in results.values() for notice in result.notices)
    return [path for path in files if str(path) not in told and path.name not in told]


def test_a_span_is_made_anew_from_its_raw_files(kept: Kept) -> None:
    [span, _] = sorted((kept.config.cache / "spans").iterdir())
    shard = next((span / "Split-train").glob("*.gz"))
    flip_bit(shard)

    results = run(kept.config)

    [artifact, stored] = results["ExampleGen"].notices
    assert f"{shard.name}: changed since it was written" in artifact
    assert stored.startswith(f"{span}: damaged: Split-train/{shard.name}: changed; it is made anew from ")
    assert str(results["Transform"].status) == "ran"
    assert content(kept.config) == kept.content


def test_a_transformed_shard_is_made_anew_from_the_examples(kept: Kept) -> None:
    shard = next(newest(kept.config, "Transform", "transformed_examples").glob("Split-train/*.gz"))
    [analysis, *_] = sorted((kept.config.cache / "analyses").rglob("*.analysis"))
    flip_bit(shard)
    flip_bit(analysis)

    results = run(kept.config)

    assert str(results["ExampleGen"].status) == "cached"
    [transformed, learnt] = results["Transform"].notices
    assert transformed == f"{shard}: changed since it was written; it is no longer used"
    assert learnt.startswith(f"{analysis}: damaged: its content of ")
    assert content(kept.config) == kept.content


def test_everything_at_once_is_made_anew_and_named(kept: Kept) -> None:
    artifacts = [
        newest(kept.config, node, key)
        for node, key in (
            ("ExampleGen", "examples"),
            ("StatisticsGen", "statistics"),
            ("StatisticsGen", "split_statistics"),
            ("Transform", "transform_graph"),
            ("Transform", "transformed_examples"),
        )
    ]
    damaged = flipped(path for folder in (*artifacts, kept.config.cache) for path in folder.rglob("*"))
    assert len(damaged) > 30

    results = run(kept.config)

    assert content(kept.config) == kept.content
    assert {str(results[node].status) for node in ("ExampleGen", "StatisticsGen", "Transform")} == {"ran"}
    # A file in the cache that no node reads when it runs anew would go unnamed.
    assert named(results, damaged) == []
    assert {str(result.status) for result in run(kept.config).values()} <= {"cached", "skipped"}
