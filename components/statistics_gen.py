"""Statistics a span: each span is analysed once, and drift between spans can be seen."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx import v1 as tfx
from tfx.dsl.component.experimental.annotations import (
    BeamComponentParameter,
    InputArtifact,
    OutputArtifact,
    Parameter,
)
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import Examples, ExampleStatistics, Schema
from tfx.utils import io_utils
from tfx_bsl.coders import example_coder

from components.span_store import StoredSpan, read_spans

_BATCH_ROWS = 8192
STATISTICS_FILE = "FeatureStats.pb"

# Custom statistics of our own: rows with a value that the feature's domain in schema.pbtxt does not have.
ROWS_BELOW = "rows_below_domain"
ROWS_ABOVE = "rows_above_domain"
ROWS_UNKNOWN = "rows_outside_domain"


@tfx.dsl.components.component(use_beam=True)
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
    if missing:
        with beam_pipeline as pipeline:
            _ = pipeline | beam.Create(missing, reshuffle=False) | beam.Map(_analyse, schema_text)
    for span in spans:
        folder = Path(statistics.uri) / f"Split-{span.name}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / STATISTICS_FILE).write_bytes(kept[span.name].read_bytes())
    statistics.split_names = artifact_utils.encode_split_names([span.name for span in spans])
    statistics.span = max(span.span for span in spans)


def _analyse(job: tuple[StoredSpan, str], schema_text: str) -> None:
    span, target = job
    schema = text_format.Parse(schema_text, schema_pb2.Schema())
    found = span_statistics(sorted(Path(span.folder).glob("Split-*/*.gz")), schema)
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".partial")
    aside.write_bytes(found.SerializeToString(deterministic=True))
    aside.rename(path)


def span_statistics(shards: list[Path], schema: schema_pb2.Schema) -> statistics_pb2.DatasetFeatureStatisticsList:
    """TFDV's statistics of all rows in the shards, with rows_outside of each feature; memory is one span's columns."""
    # Only after tfx: TFDV 1.16 imports a module that tfx has to stand in for.
    import tensorflow_data_validation as tfdv
    from tensorflow_data_validation.statistics import stats_impl

    decoder = example_coder.ExamplesToRecordBatchDecoder(schema.SerializeToString())
    records = tf.data.TFRecordDataset([str(path) for path in shards], compression_type="GZIP").batch(_BATCH_ROWS)
    batches = [decoder.DecodeBatch(list(batch)) for batch in records.as_numpy_iterator()]
    table = pa.Table.from_batches(batches, decoder.ArrowSchema()).combine_chunks()
    rows = next(iter(table.to_batches()), decoder.DecodeBatch([]))
    options = tfdv.StatsOptions(schema=schema, num_rank_histogram_buckets=1000)
    found: statistics_pb2.DatasetFeatureStatisticsList = stats_impl.generate_statistics_in_memory(rows, options)
    _add_rows_outside(found, rows, schema)
    return found


def _add_rows_outside(
    statistics: statistics_pb2.DatasetFeatureStatisticsList, rows: pa.RecordBatch, schema: schema_pb2.Schema
) -> None:
    known = {feature.name: feature for feature in schema.feature}
    shared = {domain.name: domain for domain in schema.string_domain}
    for entry in statistics.datasets[0].features:
        name = entry.path.step[0]
        for statistic, count in rows_outside(rows.column(name), known[name], shared).items():
            entry.custom_stats.add(name=statistic, num=count)


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
