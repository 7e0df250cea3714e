"""Statistics a span: each span is analysed once, and drift between spans can be seen."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from operator import itemgetter
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

from components.partial_statistics import Generator, Part, StatisticsCombiner
from components.span_store import StoredSpan, read_spans
from ingestion.records import example_batches

STATISTICS_FILE = "FeatureStats.pb"

# Custom statistics of our own: rows with a value that the feature's domain in schema.pbtxt does not have.
ROWS_BELOW = "rows_below_domain"
ROWS_ABOVE = "rows_above_domain"
ROWS_UNKNOWN = "rows_outside_domain"

# Shards, gzip, that one worker reads in about two seconds.
_JOB_BYTES = 8 << 20

# The file of a span's statistics, and shards of the span.
Job = tuple[str, tuple[str, ...]]
# Rows by the name of the statistic, by feature.
Counts = dict[str, Counter[str]]


@component(use_beam=True)
def SpanStatisticsGen(  # noqa: N802 (a node is named like a class)
    examples: InputArtifact[Examples],
    schema: InputArtifact[Schema],
    statistics: OutputArtifact[ExampleStatistics],
    cache: Parameter[str],
    fingerprint: Parameter[str],
    beam_pipeline: BeamComponentParameter[beam.Pipeline] = None,
) -> None:
    """Writes `Split-span-NN/FeatureStats.pb`, one a span, in the standard layout of ExampleStatistics."""
    schema_text = Path(io_utils.get_only_uri_in_dir(schema.uri)).read_text(encoding="utf-8")
    identity = hashlib.sha256(f"{fingerprint}{schema_text}".encode()).hexdigest()[:12]
    spans = read_spans(Path(examples.uri))
    kept = {span.name: Path(cache) / "statistics" / f"{Path(span.folder).name}-{identity}.pb" for span in spans}
    missing = [(span, str(kept[span.name])) for span in spans if not kept[span.name].is_file()]
    jobs = [job for span, target in missing for job in _jobs(span, target)]
    if jobs:
        parsed = text_format.Parse(schema_text, schema_pb2.Schema()).SerializeToString()
        with beam_pipeline as pipeline:
            parts = pipeline | beam.Create(jobs) | beam.Map(_analyse, parsed)
            _ = parts | beam.GroupByKey() | beam.Map(_write, parsed)
    for span in spans:
        folder = Path(statistics.uri) / f"Split-{span.name}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / STATISTICS_FILE).write_bytes(kept[span.name].read_bytes())
    statistics.split_names = artifact_utils.encode_split_names([span.name for span in spans])
    statistics.span = max(span.span for span in spans)


def _jobs(span: StoredSpan, target: str) -> Iterator[Job]:
    """The span's shards by as many as are worth the start of a reading; one job at least, for statistics of no rows."""
    shards: list[str] = []
    size = 0
    for shard in sorted(Path(span.folder).glob("Split-*/*.gz")):
        if size >= _JOB_BYTES:
            yield target, tuple(shards)
            shards, size = [], 0
        shards.append(str(shard))
        size += shard.stat().st_size
    yield target, tuple(shards)


def _analyse(job: Job, schema: bytes) -> tuple[str, tuple[tuple[str, ...], Part]]:
    target, shards = job
    return target, (shards, read_part(map(Path, shards), schema_pb2.Schema.FromString(schema)))


def _write(span: tuple[str, Iterable[tuple[tuple[str, ...], Part]]], schema: bytes) -> None:
    target, parts = span
    # In the order of the shards, whatever the runner's: another order rounds differently.
    ordered = (part for _, part in sorted(parts, key=itemgetter(0)))
    statistics = _combiner(schema_pb2.Schema.FromString(schema)).merged(ordered)
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".partial")
    aside.write_bytes(statistics.SerializeToString(deterministic=True))
    aside.rename(path)


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
