"""Flink and Spark, inside their job servers and as a cluster: what they make equals what the direct runner makes.

Needs Java and the jars of `make flink` and `make spark`; skipped without them.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from reports.artifacts.evaluation import overall_metrics
from tests.e2e.running import Run
from tests.e2e.test_workers import examples
from tests.engines.conftest import QuickRun, artifact
from tests.engines.flink_cluster import FlinkCluster

pytestmark = pytest.mark.engines

# One model of the same rows, scored in shards of another order: sums in another order.
METRIC_TOLERANCE = 1e-6


def made(run: Run) -> dict[str, Any]:
    """All that the Beam nodes before the Trainer have made, whatever the order in which they did."""
    statistics = artifact(run.output, "StatisticsGen", "statistics")
    graph = artifact(run.output, "Transform", "transform_graph")
    return {
        "examples": examples(artifact(run.output, "ExampleGen", "examples")),
        "statistics": {path.parent.name: parsed(path) for path in statistics.glob("*/FeatureStats.pb")},
        "analysis": json.loads((graph / "statistics.json").read_text(encoding="utf-8")),
        "transformed": examples(artifact(run.output, "Transform", "transformed_examples")),
    }


def parsed(path: Path) -> Any:
    return statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes())


def metrics(run: Run) -> Any:
    return overall_metrics(artifact(run.output, "Evaluator", "evaluation"))


def assert_equal(run: Run, direct: Run) -> None:
    theirs, ours = made(run), made(direct)
    for key, value in ours.items():
        assert theirs[key] == value, key
    rows: Counter[bytes] = sum(ours["examples"].values(), Counter())
    assert rows.total() > 10_000
    for model, values in metrics(direct).items():
        assert metrics(run)[model] == pytest.approx(values, abs=METRIC_TOLERANCE)


@pytest.mark.parametrize("embedded", ["flink", "spark"], indirect=True)
def test_an_engine_inside_its_job_server_makes_what_the_direct_runner_makes(embedded: Run, direct: Run) -> None:
    assert_equal(embedded, direct)
    # Java ended with the run, and so did what it had to say.
    assert (embedded.folder / "job_server.log").stat().st_size > 0


def test_a_cluster_of_two_workers_makes_what_the_direct_runner_makes(
    cluster: FlinkCluster, worker_pool: str, quick_run: QuickRun, direct: Run
) -> None:
    sets = ["beam.runner=flink", f"beam.master={cluster.rest}", f"beam.worker_pool={worker_pool}", "beam.workers=2"]
    run = quick_run("cluster", *sets)
    assert_equal(run, direct)
    # ExampleGen, StatisticsGen, Transform and Evaluator have one job or more each.
    assert cluster.finished_jobs() >= 4
