"""Statistics a span and a split: each span is analysed once, and drift between spans can be seen."""

import hashlib
import json
import logging
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from itertools import chain
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx.dsl.component.experimental.annotations import (
    BeamComponentParameter,
    InputArtifact,
    OutputArtifact,
    Parameter,
)
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import Examples, ExampleStatistics, Schema
from tfx.utils import io_utils
from tfx_bsl.coders import example_coder

from components.data.example_rows import FIX, IN_EXAMPLES, shard_rows, span_of
from components.data.mergeable_statistics import Generator, Part, StatisticsCombiner
from components.data.span_statistics_cache import KeptSpan, Place, keep_part, part_file
from components.data.span_store import StoredSpan, read_spans
from ingestion.records import example_batches
from ingestion.splits import SPLITS
from schema.errors import RowCountError
from schema.row_ledger import STATISTICS_BY_SPAN, STATISTICS_BY_SPLIT, RowCount, require_equal, write_counts

_LOG = logging.getLogger(__name__)

STATISTICS_FILE = "FeatureStats.pb"

# Custom statistics of our own: rows with a value that the feature's domain in schema.pbtxt does not have.
ROWS_BELOW = "rows_below_domain"
ROWS_ABOVE = "rows_above_domain"
ROWS_UNKNOWN = "rows_outside_domain"

# Shards, gzip, that one worker reads in about two seconds.
_JOB_BYTES = 8 << 20

# The file of a part, and shards of one split of a span.
Job = tuple[str, tuple[str, ...]]
# Rows by the name of the statistic, by feature.
Counts = dict[str, Counter[str]]


@component(use_beam=True)
def SpanStatisticsGen(  # noqa: N802 (a node is named like a class)
    examples: InputArtifact[Examples],
    schema: InputArtifact[Schema],
    statistics: OutputArtifact[ExampleStatistics],
    split_statistics: OutputArtifact[ExampleStatistics],
    cache: Parameter[str],
    fingerprint: Parameter[str],
    beam_pipeline: BeamComponentParameter[beam.Pipeline] = None,
) -> None:
    """Writes `Split-NAME/FeatureStats.pb` in the standard layout of ExampleStatistics.

    `statistics` has a name a span, such as `span-03`, of all its rows; `split_statistics` has train, eval and test, of
    the rows of all spans. Both are merged of the same parts, so that each row is read once.
    """
    schema_text = Path(io_utils.get_only_uri_in_dir(schema.uri)).read_text(encoding="utf-8")
    known = text_format.Parse(schema_text, schema_pb2.Schema())
    identity = _identity(fingerprint, schema_text)
    spans = read_spans(Path(examples.uri))
    folders = [Path(cache) / "statistics" / f"{Path(span.folder).name}-{identity}" for span in spans]
    kept = [KeptSpan(folder, dict(_groups(span))) for span, folder in zip(spans, folders, strict=True)]
    _fill(kept, known, beam_pipeline)
    by_span = {span.name: one.statistics() for span, one in zip(spans, kept, strict=True)}
    by_split = {split: _merged(split, kept, known) for split in SPLITS}
    counts = statistics_counts(by_span, by_split, shard_rows(Path(examples.uri), *SPLITS))
    try:
        require_equal("StatisticsGen", counts, FIX)
    except RowCountError:
        # Else they would be found again, and be wrong again.
        for folder in folders:
            shutil.rmtree(folder)
        raise
    _lay(statistics, by_span)
    _lay(split_statistics, by_split)
    write_counts(counts, Path(statistics.uri))
    for artifact in (statistics, split_statistics):
        artifact.span = max(span.span for span in spans)


def statistics_counts(
    by_span: Mapping[str, bytes], by_split: Mapping[str, bytes], shards: Mapping[str, Mapping[str, int]]
) -> list[RowCount]:
    """The rows that the statistics are of, beside those in Examples.

    Args:
        by_span: serialized DatasetFeatureStatisticsList by the span's name.
        by_split: the same by split.
        shards: rows by shard, by split; see components.data.example_rows.
    """
    spans: Counter[str] = Counter()
    for rows_of_shard in shards.values():
        for shard, rows in rows_of_shard.items():
            spans[span_of(shard)] += rows
    return [
        RowCount(STATISTICS_BY_SPAN, _rows(statistics), spans[name], IN_EXAMPLES, span=name)
        for name, statistics in by_span.items()
    ] + [
        RowCount(STATISTICS_BY_SPLIT, _rows(statistics), sum(shards[split].values()), IN_EXAMPLES, split=split)
        for split, statistics in by_split.items()
    ]


def _rows(statistics: bytes) -> int:
    listing = statistics_pb2.DatasetFeatureStatisticsList.FromString(statistics)
    return int(listing.datasets[0].num_examples)


def _identity(fingerprint: str, schema_text: str) -> str:
    """Digest of all that shapes a part beside its rows; the libraries' own versions too, whose objects it holds."""
    libraries = [version(name) for name in ("tensorflow-data-validation", "tfx-bsl")]
    return hashlib.sha256(json.dumps([fingerprint, schema_text, *libraries]).encode()).hexdigest()[:12]


def _groups(span: StoredSpan) -> Iterator[tuple[Place, tuple[str, ...]]]:
    """Each split's shards by as many as are worth the start of a reading; one group at least, if only of no rows."""
    for split in SPLITS:
        groups: list[list[str]] = [[]]
        size = 0
        for shard in sorted((Path(span.folder) / f"Split-{split}").glob("*.gz")):
            if size >= _JOB_BYTES:
                groups.append([])
                size = 0
            groups[-1].append(str(shard))
            size += shard.stat().st_size
        yield from (((split, number), tuple(shards)) for number, shards in enumerate(groups))


def _fill(kept: list[KeptSpan], schema: schema_pb2.Schema, pipeline: beam.Pipeline) -> None:
    """Makes what is not kept yet; only the rows of groups without a part are read."""
    missing = [(span, place) for span in kept for place in span.lacking()]
    jobs: list[Job] = [(str(part_file(span.folder, place)), span.shards[place]) for span, place in missing]
    _LOG.info("%d of %d groups of shards to analyse", len(jobs), sum(len(span.shards) for span in kept))
    if jobs:
        # A part goes to its file and not through Beam, where it would be pickled and held by the runner as well.
        with pipeline:
            _ = pipeline | beam.Create(jobs) | beam.Map(_analyse, schema.SerializeToString())
    for span in kept:
        if not span.has_statistics:
            merged = _combiner(schema).merged(span.parts(*SPLITS))
            span.keep_statistics(merged.SerializeToString(deterministic=True))


def _analyse(job: Job, schema: bytes) -> None:
    target, shards = job
    keep_part(Path(target), read_part(map(Path, shards), schema_pb2.Schema.FromString(schema)))


def _merged(split: str, spans: Iterable[KeptSpan], schema: schema_pb2.Schema) -> bytes:
    merged = _combiner(schema).merged(part for span in spans for part in span.parts(split))
    content: bytes = merged.SerializeToString(deterministic=True)
    return content


def _lay(artifact: ExampleStatistics, contents: Mapping[str, bytes]) -> None:
    """Lays serialized statistics into an artifact, by the name of what they are of."""
    for name, content in contents.items():
        folder = Path(artifact.uri) / f"Split-{name}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / STATISTICS_FILE).write_bytes(content)
    artifact.split_names = artifact_utils.encode_split_names(list(contents))


def span_statistics(shards: list[Path], schema: schema_pb2.Schema) -> statistics_pb2.DatasetFeatureStatisticsList:
    """TFDV's statistics of all rows in the shards, with rows_outside of each feature; memory is that of a batch."""
    return _combiner(schema).merged([read_part(shards, schema)])


def read_part(shards: Iterable[Path], schema: schema_pb2.Schema) -> Part:
    """The part that the rows of the shards have in a span's statistics; memory is that of a batch."""
    batches = example_batches(shards, schema)
    nothing = example_coder.ExamplesToRecordBatchDecoder(schema.SerializeToString()).DecodeBatch([])
    # Without any batch no feature would have statistics.
    first = next(batches, nothing)
    return _combiner(schema).part(chain([first], batches))


def _combiner(schema: schema_pb2.Schema) -> StatisticsCombiner:
    return StatisticsCombiner(schema, RowsOutside(schema))


class RowsOutside(Generator):
    """Counts rows_outside as TFDV's generators count: by feature and statistic, and added up over batches and parts."""

    def __init__(self, schema: schema_pb2.Schema) -> None:
        self._features = {feature.name: feature for feature in schema.feature}
        self._shared = {domain.name: domain for domain in schema.string_domain}

    def create_accumulator(self) -> Counts:
        """Counts of no batch."""
        return {name: Counter() for name in self._features}

    def add_input(self, counts: Counts, batch: pa.RecordBatch) -> Counts:
        """Adds a batch with a list array [rows] a feature."""
        for name, feature in self._features.items():
            counts[name].update(rows_outside(batch.column(name), feature, self._shared))
        return counts

    def merge_accumulators(self, parts: Iterable[Counts]) -> Counts:
        """The sum of the parts."""
        merged = self.create_accumulator()
        for part in parts:
            for name, counts in part.items():
                merged[name].update(counts)
        return merged

    def extract_output(self, counts: Counts) -> statistics_pb2.DatasetFeatureStatistics:
        """The counts as custom statistics of their features."""
        found = statistics_pb2.DatasetFeatureStatistics()
        for name, sides in counts.items():
            feature = found.features.add()
            feature.path.step.append(name)
            for statistic, rows in sides.items():
                feature.custom_stats.add(name=statistic, num=rows)
        return found


def rows_outside(
    column: pa.Array, feature: schema_pb2.Feature, shared: Mapping[str, schema_pb2.StringDomain]
) -> dict[str, int]:
    """Rows with a value outside the feature's domain: TFDV says that there are some, and not how many.

    Args:
        column: lists of values [rows].
        feature: the column in the schema; without a domain there is nothing to count.
        shared: the schema's own string domains by name.
    """
    values = pc.list_flatten(column)
    outside = {}
    if feature.HasField("string_domain") or feature.HasField("domain"):
        domain = shared[feature.domain] if feature.HasField("domain") else feature.string_domain
        terms = pa.array([value.encode() for value in domain.value], values.type)
        outside[ROWS_UNKNOWN] = pc.invert(pc.is_in(values, value_set=terms))
    for bounds in (feature.int_domain, feature.float_domain):
        if bounds.HasField("min"):
            outside[ROWS_BELOW] = pc.less(values, bounds.min)
        if bounds.HasField("max"):
            outside[ROWS_ABOVE] = pc.greater(values, bounds.max)
    row = pc.list_parent_indices(column)
    return {name: pc.count_distinct(row.filter(found)).as_py() for name, found in outside.items()}
