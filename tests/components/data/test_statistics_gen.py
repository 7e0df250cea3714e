"""Statistics of literal rows, span by span, and what is kept between runs."""

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

from components.data import statistics_gen
from components.data.anomaly_gate import read_statistics
from components.data.span_statistics_cache import KeptSpan, part_file
from components.data.span_store import StoredSpan, link_spans
from components.data.statistics_gen import (
    ROWS_ABOVE,
    ROWS_BELOW,
    ROWS_UNKNOWN,
    STATISTICS_FILE,
    RowsOutside,
    SpanStatisticsGen,
    span_statistics,
)
from ingestion.records import example_batches
from ingestion.splits import SPLITS
from schema.errors import RowCountError
from schema.row_ledger import EXAMPLES, RowCount, read_counts, write_counts
from tests.damage import with_a_flipped_bit

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


# Rows of spans 3 and 4 by split; span 3 has none to evaluate on.
SPANS = {3: {"train": ROWS[:1], "test": ROWS[1:2]}, 4: {"train": ROWS[1:], "eval": ROWS[:2], "test": ROWS[3:]}}
Node = Callable[..., None]


@pytest.fixture
def run(tmp_path: Path, write_rows: Callable[..., Path], artifact: Callable[..., Any]) -> Node:
    """run(count=..., linked=..., schema=..., fingerprint=..., more=...): the node over stored spans, the first or both.

    It writes into the folders `statistics` and `by_split`; the examples are laid anew, unless they are linked already,
    with the counts of their shards, and `more` of others.
    """
    spans, counts = [], []
    for number, rows in SPANS.items():
        folder = tmp_path / "store" / f"span-{number}"
        for split, some in rows.items():
            write_rows(folder / f"Split-{split}" / "data.gz", some)
            counts.append(RowCount(EXAMPLES, len(some), split=split, file=f"span-{number:02d}-data.gz"))
        spans.append(StoredSpan(number, str(folder), {split: len(rows.get(split, [])) for split in SPLITS}))

    def node(
        count: int = 2,
        *,
        linked: bool = False,
        schema: str = SCHEMA,
        fingerprint: str = "code",
        more: tuple[RowCount, ...] = (),
    ) -> None:
        for name in ("statistics", "by_split", *(() if linked else ("examples",))):
            shutil.rmtree(tmp_path / name, ignore_errors=True)
        known, examples = artifact(Schema, tmp_path / "schema"), artifact(Examples, tmp_path / "examples")
        (tmp_path / "schema" / "schema.pbtxt").write_text(schema, encoding="utf-8")
        if not linked:
            link_spans(spans[:count], tmp_path / "examples", SPLITS)
            names = [span.name for span in spans[:count]]
            write_counts([*(one for one in counts if one.file[:7] in names), *more], tmp_path / "examples")
        written = [artifact(ExampleStatistics, tmp_path / name) for name in ("statistics", "by_split")]
        SpanStatisticsGen.test_call(
            examples=examples,
            schema=known,
            statistics=written[0],
            split_statistics=written[1],
            cache=str(tmp_path / "cache"),
            fingerprint=fingerprint,
            beam_pipeline=beam.Pipeline(),
        )
        assert [one.span for one in written] == [2 + count, 2 + count]
        for one in written:
            names = artifact_utils.decode_split_names(one.split_names)
            assert sorted(names) == sorted(path.name.removeprefix("Split-") for path in Path(one.uri).glob("Split-*"))

    return node


def read(artifact: Path) -> dict[str, Statistics]:
    """The statistics by name of what they are of, and by feature."""
    return {
        folder.name.removeprefix("Split-"): read_statistics(folder / STATISTICS_FILE)
        for folder in artifact.glob("Split-*")
    }


def written(tmp_path: Path) -> dict[str, bytes]:
    """What the node wrote, by file."""
    files = [path for name in ("statistics", "by_split") for path in (tmp_path / name).glob("*/*")]
    return {str(path.relative_to(tmp_path)): path.read_bytes() for path in files}


def test_every_span_and_every_split_has_statistics_of_its_own(run: Node, tmp_path: Path) -> None:
    run()

    found = {**read(tmp_path / "statistics"), **read(tmp_path / "by_split")}
    rows = {name: features["hour"].num_stats.common_stats.num_non_missing for name, features in found.items()}
    assert rows == {"span-03": 2, "span-04": 6, "train": 4, "eval": 2, "test": 2}
    # Of train rows 1 and 2 to 4, of eval 1 and 2, of test 2 and 4: see ROWS.
    assert {name: features["hour"].num_stats.min for name, features in found.items()} == {
        "span-03": 5,
        "span-04": -2,
        "train": -2,
        "eval": 5,
        "test": -2,
    }
    assert found["eval"]["hour"].num_stats.mean == 14.5
    outside = {name: {entry.name: entry.num for entry in found[name]["hour"].custom_stats} for name in SPLITS}
    assert outside == {
        "train": {ROWS_BELOW: 2, ROWS_ABOVE: 1},
        "eval": {ROWS_BELOW: 0, ROWS_ABOVE: 1},
        "test": {ROWS_BELOW: 1, ROWS_ABOVE: 1},
    }


def test_the_splits_together_are_the_span(run: Node, tmp_path: Path) -> None:
    run(count=1)

    splits, [span] = read(tmp_path / "by_split"), read(tmp_path / "statistics").values()
    for name, feature in span.items():
        parts = [splits[split][name] for split in SPLITS]
        counted = [common_stats(part) for part in parts]
        whole = common_stats(feature)
        assert whole.num_non_missing == sum(part.num_non_missing for part in counted)
        assert whole.num_missing == sum(part.num_missing for part in counted)
        for place, entry in enumerate(feature.custom_stats):
            assert entry.num == sum(part.custom_stats[place].num for part in parts)
    assert span["hour"].num_stats.mean == pytest.approx((5 + 24) / 2, rel=1e-12)
    assert {bucket.label for bucket in span["dest"].string_stats.rank_histogram.buckets} == {"BOS", "ORD"}


def common_stats(feature: statistics_pb2.FeatureNameStatistics) -> statistics_pb2.CommonStatistics:
    """What strings and numbers have in common."""
    common: statistics_pb2.CommonStatistics = getattr(feature, feature.WhichOneof("stats")).common_stats
    return common


def test_a_split_of_no_rows_in_any_span_has_statistics_of_none(run: Node, tmp_path: Path) -> None:
    run(count=1)

    [dataset] = statistics_pb2.DatasetFeatureStatisticsList.FromString(
        (tmp_path / "by_split" / "Split-eval" / STATISTICS_FILE).read_bytes()
    ).datasets
    assert dataset.num_examples == 0
    assert {feature.path.step[0] for feature in dataset.features} == {"hour", "temp", "carrier", "dest"}


def test_a_split_of_many_shards_is_read_by_many_and_its_rows_are_one_split(
    run: Node, tmp_path: Path, write_rows: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(tmp_path / "store" / "span-4" / "Split-train" / "more.gz", ROWS[:2])
    more = (RowCount(EXAMPLES, 2, split="train", file="span-04-more.gz"),)
    monkeypatch.setattr(statistics_gen, "_JOB_BYTES", 1)
    run(more=more)
    alone = written(tmp_path)
    monkeypatch.undo()

    shutil.rmtree(tmp_path / "cache")
    run(more=more)

    together = read_statistics(tmp_path / "statistics" / "Split-span-04" / STATISTICS_FILE)
    assert together["hour"].num_stats.common_stats.num_non_missing == 8
    assert {entry.name: entry.num for entry in together["hour"].custom_stats} == {ROWS_BELOW: 3, ROWS_ABOVE: 3}
    assert alone == written(tmp_path)


def test_the_order_in_which_parts_are_made_changes_nothing(write_rows: Callable[..., Path], tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    # Of widely different sizes, so that their sum is rounded otherwise in another order.
    rows = [
        {"temp": float(10.0 ** (3 * (place // 100)) * number)} for place, number in enumerate(random.normal(0, 1, 600))
    ]
    schema = parse(SCHEMA)
    files = [write_rows(tmp_path / f"{place}.gz", rows[100 * place : 100 * place + 100]) for place in range(6)]
    kept = KeptSpan(tmp_path / "kept", {(SPLITS[place // 2], place % 2): (str(files[place]),) for place in range(6)})

    def merged(order: list[int]) -> list[bytes]:
        shutil.rmtree(kept.folder, ignore_errors=True)
        places = list(kept.shards)
        for place in (places[number] for number in order):
            job = str(part_file(kept.folder, place)), kept.shards[place]
            statistics_gen._analyse(job, schema.SerializeToString())
        statistics_gen._fill([kept], schema, None)
        return [kept.statistics(), *(statistics_gen._merged(split, [kept], schema) for split in SPLITS)]

    assert merged([0, 1, 2, 3, 4, 5]) == merged([5, 1, 3, 0, 4, 2])


def test_a_span_is_analysed_once(run: Node, tmp_path: Path) -> None:
    run()
    before, kept = written(tmp_path), cached(tmp_path)
    # What is no longer there cannot be read a second time.
    empty_the_store(tmp_path)

    run()

    assert cached(tmp_path) == kept
    assert written(tmp_path) == before


def test_the_next_window_reads_the_new_span_alone(run: Node, tmp_path: Path) -> None:
    run(count=2)
    whole = written(tmp_path)
    shutil.rmtree(tmp_path / "cache")
    run(count=1)
    kept = cached(tmp_path)
    for split in SPLITS:
        shutil.rmtree(tmp_path / "store" / "span-3" / f"Split-{split}", ignore_errors=True)

    run(count=2)

    assert kept < cached(tmp_path)
    assert written(tmp_path) == whole


@pytest.mark.parametrize("content", [b"", None])
@pytest.mark.parametrize("name", ["train-0.part", "eval-0.part", "span.statistics"])
def test_what_a_crash_left_broken_is_made_anew_and_told(
    run: Node, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, content: bytes | None
) -> None:
    run()
    before = written(tmp_path)
    [broken] = (tmp_path / "cache" / "statistics").glob(f"span-4-*/{name}")
    broken.write_bytes(with_a_flipped_bit(broken.read_bytes()) if content is None else content)
    untouched = cached(tmp_path, but="span-4")

    run()

    assert written(tmp_path) == before
    assert cached(tmp_path, but="span-4") == untouched
    assert f"{broken}: damaged" in caplog.text
    caplog.clear()
    run()
    assert "damaged" not in caplog.text


def test_broken_statistics_of_a_span_are_merged_of_its_parts_without_its_rows(run: Node, tmp_path: Path) -> None:
    run()
    before = written(tmp_path)
    [broken] = (tmp_path / "cache" / "statistics").glob("span-4-*/span.statistics")
    broken.unlink()
    empty_the_store(tmp_path)

    run()

    assert written(tmp_path) == before


def test_what_a_crash_left_aside_is_no_part(run: Node, tmp_path: Path) -> None:
    run()
    before = written(tmp_path)
    for path in list((tmp_path / "cache" / "statistics").glob("span-4-*/*")):
        path.rename(path.with_name(f".{path.name}.0.partial"))

    run()

    assert written(tmp_path) == before


@pytest.mark.parametrize("changed", [{"fingerprint": "edited code"}, {"schema": SCHEMA.replace("23", "22")}])
def test_another_schema_or_other_code_analyses_again(run: Node, tmp_path: Path, changed: dict[str, str]) -> None:
    run()
    kept = cached(tmp_path)

    run(**changed)

    assert len(kept) == 2 * 4
    assert len(cached(tmp_path)) == 4 * 4


def test_a_span_out_of_reach_is_analysed_from_the_artifact(run: Node, tmp_path: Path) -> None:
    run()
    before = written(tmp_path)
    shutil.rmtree(tmp_path / "cache")
    shutil.rmtree(tmp_path / "store")

    run(linked=True)

    assert written(tmp_path) == before


def test_the_rows_of_every_span_and_split_are_counted_beside_those_in_examples(run: Node, tmp_path: Path) -> None:
    run()

    counts = read_counts(tmp_path / "statistics")
    assert {count.span or count.split: (count.rows, count.expected) for count in counts} == {
        "span-03": (2, 2),
        "span-04": (6, 6),
        "train": (4, 4),
        "eval": (2, 2),
        "test": (2, 2),
    }


def test_a_row_that_is_gone_from_a_shard_stops_the_node_with_both_numbers(
    run: Node, tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    shard = tmp_path / "store" / "span-4" / "Split-train" / "data.gz"
    write_rows(shard, ROWS[1:3])

    with pytest.raises(RowCountError) as caught:
        run()

    message = str(caught.value)
    assert "statistics by span, span-04: 5 rows, expected 6 in Examples" in message
    assert "statistics by split, split 'train': 3 rows, expected 4 in Examples" in message
    assert caught.value.exit_code == 1
    assert not written(tmp_path)
    # Nothing wrong is kept, so that the row is found as soon as it is back.
    write_rows(shard, ROWS[1:])
    run()


def empty_the_store(tmp_path: Path) -> None:
    """Removes the converted rows; the spans' folders stay."""
    for shard in (tmp_path / "store").glob("*/*/*.gz"):
        shard.unlink()


def cached(tmp_path: Path, but: str = "-") -> set[str]:
    """Names and times of what is kept, save of spans of that name."""
    files = (tmp_path / "cache" / "statistics").glob("*/*")
    return {f"{path} {path.stat().st_mtime_ns}" for path in files if not path.parent.name.startswith(but)}
