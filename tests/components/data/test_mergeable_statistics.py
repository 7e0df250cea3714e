"""Statistics merged of parts, against TFDV's own of all rows in one batch."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx import v1 as tfx
from tfx_bsl.coders import example_coder

from components.data.mergeable_statistics import StatisticsCombiner
from ingestion.records import example_batches

assert tfx  # TFDV 1.16 imports a module that tfx has to stand in for.

SCHEMA = text_format.Parse(
    """
    feature { name: "hour" type: INT }
    feature { name: "temp" type: FLOAT }
    feature { name: "carrier" type: BYTES }
    feature { name: "dest" type: BYTES }
    feature { name: "gate" type: BYTES }
    """,
    schema_pb2.Schema(),
)
Statistics = dict[str, statistics_pb2.FeatureNameStatistics]


@pytest.fixture(scope="module")
def shards(write_rows: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """3,000 random rows of unlike shards: the second lacks a carrier, the third has no row, and no row has a gate."""
    random = np.random.default_rng(3)
    rows: list[dict[str, str | int | float]] = [
        {"hour": int(random.poisson(3)), "carrier": "UA" if place < 500 else "AA", "dest": f"d{place % 40}"}
        for place in range(3000)
    ]
    for row in rows[::3]:
        row["temp"] = float(random.normal(60, 20))
    folder = tmp_path_factory.mktemp("shards")
    parts = [rows[:600], rows[600:2600], [], rows[2600:]]
    return [write_rows(folder / f"{place}.gz", part) for place, part in enumerate(parts)]


@pytest.fixture(scope="module")
def merged(shards: list[Path]) -> Statistics:
    """Ours, of a part a shard, in batches of 250 rows."""
    combiner = StatisticsCombiner(SCHEMA)
    nothing = example_coder.ExamplesToRecordBatchDecoder(SCHEMA.SerializeToString()).DecodeBatch([])
    parts = [combiner.part([nothing, *example_batches([shard], SCHEMA, 250)]) for shard in shards]
    return by_name(combiner.merged(parts))


@pytest.fixture(scope="module")
def at_once(shards: list[Path]) -> Statistics:
    """TFDV's, of one batch."""
    import tensorflow_data_validation as tfdv
    from tensorflow_data_validation.statistics import stats_impl

    (batch,) = example_batches(shards, SCHEMA)
    options = tfdv.StatsOptions(schema=SCHEMA, num_rank_histogram_buckets=1000)
    return by_name(stats_impl.generate_statistics_in_memory(batch, options))


def by_name(listing: statistics_pb2.DatasetFeatureStatisticsList) -> Statistics:
    """Statistics by feature of a listing of 3,000 rows."""
    assert listing.datasets[0].num_examples == 3000
    return {feature.path.step[0]: feature for feature in listing.datasets[0].features}


@pytest.mark.parametrize("name", ["hour", "temp"])
def test_numbers_are_those_of_all_rows_at_once(merged: Statistics, at_once: Statistics, name: str) -> None:
    ours, theirs = merged[name].num_stats, at_once[name].num_stats

    assert (ours.min, ours.max, ours.num_zeros) == (theirs.min, theirs.max, theirs.num_zeros)
    assert (ours.mean, ours.std_dev) == pytest.approx((theirs.mean, theirs.std_dev), rel=1e-12)
    assert [histogram.type for histogram in ours.histograms] == [histogram.type for histogram in theirs.histograms]


@pytest.mark.parametrize("name", ["carrier", "dest", "gate"])
def test_strings_are_those_of_all_rows_at_once(merged: Statistics, at_once: Statistics, name: str) -> None:
    assert merged[name] == at_once[name]


def test_missing_values_are_counted_over_all_parts(merged: Statistics) -> None:
    missing = {name: common_stats(feature).num_missing for name, feature in merged.items()}

    assert missing == {"hour": 0, "temp": 2000, "carrier": 0, "dest": 0, "gate": 3000}


def test_quantiles_are_within_a_hundredth_of_rank(merged: Statistics, shards: list[Path]) -> None:
    (batch,) = example_batches(shards, SCHEMA)
    numbers = batch.column("temp").flatten().to_numpy()
    deciles = next(h for h in merged["temp"].num_stats.histograms if h.type == statistics_pb2.Histogram.QUANTILES)

    ranks = [float(np.mean(numbers <= bucket.high_value)) for bucket in deciles.buckets]

    assert ranks == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0], abs=0.01)


def common_stats(feature: statistics_pb2.FeatureNameStatistics) -> statistics_pb2.CommonStatistics:
    """What strings and numbers have in common."""
    common: statistics_pb2.CommonStatistics = getattr(feature, feature.WhichOneof("stats")).common_stats
    return common
