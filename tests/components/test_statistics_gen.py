"""Statistics of literal rows, span by span, and what is kept between runs."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import Examples, ExampleStatistics, Schema

from components import statistics_gen
from components.anomaly_gate import read_statistics
from components.span_store import StoredSpan, link_spans
from components.statistics_gen import (
    ROWS_ABOVE,
    ROWS_BELOW,
    ROWS_UNKNOWN,
    STATISTICS_FILE,
    RowsOutside,
    SpanStatisticsGen,
    read_part,
    span_statistics,
)
from ingestion.records import example_batches

SCHEMA = """
feature { name: "hour" type: INT int_domain { min: 0 max: 23 } }
feature { name: "temp" type: FLOAT float_domain { max: 120 } }
feature { name: "carrier" type: BYTES string_domain { value: "AA" value: "UA" } }
feature { name: "dest" type: BYTES }
"""
ROWS = [
    {"hour": 5, "temp": 39.5, "carrier": "AA", "dest": "BOS"},
    {"hour": 24, "temp": 130.0, "carrier": "ZZ", "dest": "ORD"},
    {"hour": -1, "carrier": "YY", "dest": "BOS"},
    {"hour": -2, "temp": float("nan"), "carrier": "ZZ"},
]
Statistics = dict[str, statistics_pb2.FeatureNameStatistics]


def parse(text: str) -> schema_pb2.Schema:
    """A schema from text."""
    return text_format.Parse(text, schema_pb2.Schema())


def by_name(listing: statistics_pb2.DatasetFeatureStatisticsList) -> Statistics:
    """The one span's statistics by feature."""
    return {feature.path.step[0]: feature for feature in listing.datasets[0].features}


@pytest.fixture(scope="module")
def found(write_rows: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Statistics:
    """Statistics of the rows, in two shards."""
    folder = tmp_path_factory.mktemp("rows")
    shards = [write_rows(folder / "a.gz", ROWS[:1]), write_rows(folder / "b.gz", ROWS[1:])]
    return by_name(span_statistics(shards, parse(SCHEMA)))


def test_rows_of_all_shards_are_counted(found: Statistics) -> None:
    assert found["hour"].num_stats.common_stats.num_non_missing == 4
    assert (found["hour"].num_stats.min, found["hour"].num_stats.max) == (-2, 24)
    assert found["temp"].num_stats.common_stats.num_missing == 1
    assert {bucket.label: bucket.sample_count for bucket in found["dest"].string_stats.rank_histogram.buckets} == {
        "BOS": 2,
        "ORD": 1,
    }


def test_rows_outside_a_domain_are_counted_by_side(found: Statistics) -> None:
    counts = {name: {entry.name: entry.num for entry in feature.custom_stats} for name, feature in found.items()}

    assert counts == {
        "hour": {ROWS_BELOW: 2, ROWS_ABOVE: 1},
        "temp": {ROWS_ABOVE: 1},  # a NaN is neither above nor below, and there is no floor
        "carrier": {ROWS_UNKNOWN: 3},
        "dest": {},
    }


def test_rows_outside_a_domain_add_up_over_parts(write_rows: Callable[..., Path], tmp_path: Path) -> None:
    schema = parse(SCHEMA)
    counter = RowsOutside(schema)
    shards = [write_rows(tmp_path / "a.gz", ROWS[:2]), write_rows(tmp_path / "b.gz", ROWS[2:])]
    batches = [next(example_batches([shard], schema)) for shard in shards]

    parts = [counter.add_input(counter.create_accumulator(), batch) for batch in batches]

    assert parts[0]["carrier"] == {ROWS_UNKNOWN: 1}
    assert counter.merge_accumulators(parts) == {
        "hour": {ROWS_BELOW: 2, ROWS_ABOVE: 1},
        "temp": {ROWS_ABOVE: 1},
        "carrier": {ROWS_UNKNOWN: 3},
        "dest": {},
    }


def test_a_row_with_two_values_outside_counts_once(tmp_path: Path) -> None:
    hours = tf.train.Feature(int64_list=tf.train.Int64List(value=[24, 25, 3]))
    example = tf.train.Example(features=tf.train.Features(feature={"hour": hours}))
    with tf.io.TFRecordWriter(str(tmp_path / "a.gz"), "GZIP") as writer:
        writer.write(example.SerializeToString())

    listing = span_statistics([tmp_path / "a.gz"], parse(SCHEMA))

    assert {entry.name: entry.num for entry in by_name(listing)["hour"].custom_stats}[ROWS_ABOVE] == 1


def test_a_domain_that_features_share_is_looked_up(write_rows: Callable[..., Path], tmp_path: Path) -> None:
    schema = parse('feature { name: "dest" type: BYTES domain: "ports" } string_domain { name: "ports" value: "BOS" }')

    listing = span_statistics([write_rows(tmp_path / "a.gz", ROWS)], schema)

    assert [entry.num for entry in by_name(listing)["dest"].custom_stats] == [1]


def test_a_span_without_rows_has_statistics_of_none(write_rows: Callable[..., Path], tmp_path: Path) -> None:
    listing = span_statistics([write_rows(tmp_path / "a.gz", [])], parse(SCHEMA))

    assert listing.datasets[0].num_examples == 0
    assert set(by_name(listing)) == {"hour", "temp", "carrier", "dest"}


@pytest.fixture
def run(
    tmp_path: Path, write_rows: Callable[..., Path], artifact: Callable[..., Any]
) -> Callable[..., ExampleStatistics]:
    """run(schema=..., fingerprint=...): the node over two stored spans, of one and three rows."""
    spans = []
    for number, rows in ((3, ROWS[:1]), (4, ROWS[1:])):
        folder = tmp_path / "store" / f"span-{number}"
        write_rows(folder / "Split-train" / "data.gz", rows)
        spans.append(StoredSpan(number, str(folder), {"train": len(rows)}))
    examples = artifact(Examples, tmp_path / "examples")
    link_spans(spans, tmp_path / "examples", ("train",))

    def node(schema: str = SCHEMA, fingerprint: str = "code") -> ExampleStatistics:
        known, statistics = artifact(Schema, tmp_path / "schema"), artifact(ExampleStatistics, tmp_path / "statistics")
        (tmp_path / "schema" / "schema.pbtxt").write_text(schema, encoding="utf-8")
        SpanStatisticsGen.test_call(
            examples=examples,
            schema=known,
            statistics=statistics,
            cache=str(tmp_path / "cache"),
            fingerprint=fingerprint,
            beam_pipeline=beam.Pipeline(),
        )
        return statistics

    return node


def test_every_span_has_statistics_of_its_own(run: Callable[..., ExampleStatistics], tmp_path: Path) -> None:
    statistics = run()

    read = {
        name: read_statistics(tmp_path / "statistics" / f"Split-{name}" / STATISTICS_FILE)
        for name in artifact_utils.decode_split_names(statistics.split_names)
    }
    rows = {name: features["hour"].num_stats.common_stats.num_non_missing for name, features in read.items()}
    assert rows == {"span-03": 1, "span-04": 3}
    assert statistics.span == 4


def test_a_span_of_many_shards_is_read_by_many_and_its_rows_are_one_span(
    run: Callable[..., ExampleStatistics],
    tmp_path: Path,
    write_rows: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, rows in (("train/more.gz", ROWS[:2]), ("eval/data.gz", ROWS)):
        write_rows(tmp_path / "store" / "span-4" / f"Split-{name}", rows)
    monkeypatch.setattr(statistics_gen, "_JOB_BYTES", 1)
    run()
    alone = (tmp_path / "statistics" / "Split-span-04" / STATISTICS_FILE).read_bytes()
    monkeypatch.undo()

    shutil.rmtree(tmp_path / "cache")
    run()

    together = read_statistics(tmp_path / "statistics" / "Split-span-04" / STATISTICS_FILE)
    assert together["hour"].num_stats.common_stats.num_non_missing == 9
    assert {entry.name: entry.num for entry in together["hour"].custom_stats} == {ROWS_BELOW: 4, ROWS_ABOVE: 3}
    assert alone == (tmp_path / "statistics" / "Split-span-04" / STATISTICS_FILE).read_bytes()


def test_the_order_in_which_parts_arrive_changes_nothing(write_rows: Callable[..., Path], tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    # Of widely different sizes, so that their sum is rounded otherwise in another order.
    rows = [
        {"temp": float(10.0 ** (3 * (place // 100)) * number)} for place, number in enumerate(random.normal(0, 1, 400))
    ]
    schema = parse(SCHEMA)
    files = [write_rows(tmp_path / f"{place}.gz", rows[100 * place : 100 * place + 100]) for place in range(4)]

    def written(order: list[int]) -> bytes:
        parts = [((str(files[place]),), read_part([files[place]], schema)) for place in order]
        statistics_gen._write((str(tmp_path / "found.pb"), parts), schema.SerializeToString())
        return (tmp_path / "found.pb").read_bytes()

    assert written([0, 1, 2, 3]) == written([3, 1, 0, 2])


def test_a_span_is_analysed_once(run: Callable[..., ExampleStatistics], tmp_path: Path) -> None:
    run()
    kept = cached(tmp_path)
    # What is no longer there cannot be read a second time.
    shutil.rmtree(tmp_path / "store" / "span-3" / "Split-train")
    shutil.rmtree(tmp_path / "statistics")

    run()

    assert cached(tmp_path) == kept
    assert (tmp_path / "statistics" / "Split-span-03" / STATISTICS_FILE).is_file()


@pytest.mark.parametrize("changed", [{"fingerprint": "edited code"}, {"schema": SCHEMA.replace("23", "22")}])
def test_another_schema_or_other_code_analyses_again(
    run: Callable[..., ExampleStatistics], tmp_path: Path, changed: dict[str, str]
) -> None:
    run()
    kept = cached(tmp_path)

    run(**changed)

    assert len(kept) == 2
    assert len(cached(tmp_path)) == 4


def test_a_span_out_of_reach_is_analysed_from_the_artifact(
    run: Callable[..., ExampleStatistics], tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "store")

    run()

    spans = json.loads((tmp_path / "examples" / "spans.json").read_text(encoding="utf-8"))
    assert [entry["span"] for entry in spans] == [3, 4]
    assert read_statistics(tmp_path / "statistics" / "Split-span-04" / STATISTICS_FILE)["hour"].num_stats.max == 24


def cached(tmp_path: Path) -> set[str]:
    """Names and times of the statistics that are kept."""
    return {f"{path.name} {path.stat().st_mtime_ns}" for path in (tmp_path / "cache" / "statistics").iterdir()}
