"""Transform with an analysis of our own: whole columns, a shard at a time, each shard analysed once."""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import apache_beam as beam
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.components import Transform
from tfx.components.util import udf_utils
from tfx.dsl.components.base import base_beam_executor, executor_spec
from tfx.proto import transform_pb2
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as keys
from tfx.utils import io_utils, proto_utils

from components.data.example_rows import FIX, IN_EXAMPLES, shard_rows, span_of
from components.data.span_store import read_spans
from ingestion.records import example_batches
from models.preprocessing.materialize import transform_shard
from models.preprocessing.records import write_split_rows
from models.preprocessing.stored_statistics import read_analysis, write_analysis
from models.preprocessing.training_statistics import Analysis, merged
from models.preprocessing.transform_graph import write_transform_graph
from schema.bound import BoundProblem
from schema.checked_file import find_checked
from schema.precision import check_precision, read_precision
from schema.row_ledger import ANALYZED, TRANSFORMED, RowCount, require_equal, write_counts
from schema.rows import columns, read_schema
from schema.run_warnings import write_warnings

_LOG = logging.getLogger(__name__)
_CACHE_FOLDER = "analyses"

# Rows by the shard's name in Examples, by split.
Rows = dict[str, dict[str, int]]


class Executor(base_beam_executor.BaseBeamExecutor):
    """One pass over the shards that are new to find their statistics, and one over all to transform them.

    TFT's own analyzers and their cache cost some ten Beam stages an analyzer and span, seconds before the first row.
    Here the statistics are found first and given to preprocessing_fn as constants, which TFT then traces.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the transform graph and the transformed examples as the stock executor lays them out."""
        examples = Path(artifact_utils.get_single_uri(input_dict[keys.EXAMPLES_KEY]))
        schema_file = io_utils.get_only_uri_in_dir(artifact_utils.get_single_uri(input_dict[keys.SCHEMA_KEY]))
        graph = artifact_utils.get_single_uri(output_dict[keys.TRANSFORM_GRAPH_KEY])
        transformed = artifact_utils.get_single_instance(output_dict[keys.TRANSFORMED_EXAMPLES_KEY])
        splits = transform_pb2.SplitsConfig()
        proto_utils.json_to_proto(exec_properties[keys.SPLITS_CONFIG_KEY], splits)
        schema, custom = read_schema(Path(schema_file)), json.loads(exec_properties[keys.CUSTOM_CONFIG_KEY])
        problem = BoundProblem.model_validate_json(custom["bound"]).problem
        check_precision(read_precision(examples), problem, columns(schema))
        analysis, counts = self._analyse(examples, splits.analyze, schema, custom)
        known = analysis.statistics()
        encode = udf_utils.get_fn(exec_properties, keys.PREPROCESSING_FN_KEY)
        encode = partial(encode, custom_config={**custom, "statistics": known.to_json()})
        write_transform_graph(encode, schema, known, Path(graph))
        counts += self._materialize(graph, examples, Path(transformed.uri), splits.transform)
        require_equal("Transform", counts, FIX)
        write_counts(counts, Path(transformed.uri))
        write_warnings(analysis.warnings(), Path(transformed.uri))
        rows = {split: sum(count.rows for count in counts if _is_of(count, split)) for split in splits.transform}
        write_split_rows(Path(transformed.uri), rows)
        transformed.split_names = artifact_utils.encode_split_names(list(splits.transform))

    def _analyse(
        self, examples: Path, splits: Iterable[str], schema: schema_pb2.Schema, custom: dict[str, Any]
    ) -> tuple[Analysis, list[RowCount]]:
        """The analysis of the splits' rows, and the rows of each shard that it is of.

        Only shards that no earlier window analysed are read.

        Raises:
            RowCountError: if an analysis is of other rows than its shard has; it is then kept no more.
        """
        serialized = schema.SerializeToString(deterministic=True)
        folder = Path(custom["cache"]) / _CACHE_FOLDER / _identity(custom, serialized)
        shards = [
            _Shard(split, f"{span.name}-{shard.name}", shard, _analysis_file(folder, shard))
            for span in read_spans(examples)
            for split in splits
            for shard in sorted((Path(span.folder) / f"Split-{split}").glob("*.gz"))
        ]
        missing = [(str(shard.path), str(shard.analysis)) for shard in shards if find_checked(shard.analysis) is None]
        _LOG.info("%d of %d shards to analyse", len(missing), len(shards))
        if missing:
            with self._make_beam_pipeline() as pipeline:
                _ = pipeline | beam.Create(missing) | beam.Map(analyse_shard, custom["bound"], serialized)
        rows: Rows = {split: {} for split in splits}
        analysis = merged(BoundProblem.model_validate_json(custom["bound"]), _analyses(shards, rows))
        counts = shard_counts(ANALYZED, rows, shard_rows(examples, *splits))
        wrong = {(count.split, count.file) for count in counts if not count.agrees}
        for shard in shards:
            if (shard.split, shard.name) in wrong:
                shard.analysis.unlink(missing_ok=True)
        require_equal("Transform", counts, FIX)
        return analysis, counts

    def _materialize(self, graph: str, examples: Path, transformed: Path, splits: Iterable[str]) -> list[RowCount]:
        """Writes the transformed shards; gives the rows of each."""
        expected = shard_rows(examples, *splits)
        names = [(split, shard) for split, shards in expected.items() for shard in shards]
        transformed.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".rows-", dir=transformed) as counted:
            jobs = [
                (graph, *(str(folder / f"Split-{split}" / shard) for folder in (examples, transformed, Path(counted))))
                for split, shard in names
            ]
            with self._make_beam_pipeline() as pipeline:
                _ = pipeline | beam.Create(jobs) | beam.MapTuple(_transform_and_count)
            rows: Rows = {split: {} for split in expected}
            for (split, shard), job in zip(names, jobs, strict=True):
                rows[split][shard] = _counted_rows(Path(job[-1]))
        return shard_counts(TRANSFORMED, rows, expected)


class _Shard(NamedTuple):
    """A shard of one split in the span store: its name in Examples, where it is, and the file of its analysis."""

    split: str
    name: str
    path: Path
    analysis: Path


def _analysis_file(folder: Path, shard: Path) -> Path:
    split, span = shard.parent, shard.parent.parent
    return folder / span.name / split.name.removeprefix("Split-") / f"{shard.name}.analysis"


def _analyses(shards: Iterable[_Shard], rows: Rows) -> Iterator[Analysis]:
    """The analyses that are there, one at a time; `rows` gets those that each has seen."""
    for shard in shards:
        if shard.analysis.is_file():
            analysis = read_analysis(shard.analysis)
            rows[shard.split][shard.name] = analysis.rows
            yield analysis


def shard_counts(boundary: str, rows: Rows, expected: Rows) -> list[RowCount]:
    """Rows counted of each shard of Examples, none where it was not come to, beside those that it has."""
    return [
        RowCount(boundary, rows[split].get(shard, 0), due, IN_EXAMPLES, split=split, span=span_of(shard), file=shard)
        for split, shards in expected.items()
        for shard, due in shards.items()
    ]


def _transform_and_count(graph: str, source: str, destination: str, counted: str) -> None:
    """Writes one shard, and how many rows it has to a file: what a runner carries from its workers may be lost."""
    rows = transform_shard(graph, source, destination)
    Path(counted).parent.mkdir(exist_ok=True)
    Path(counted).write_text(str(rows), encoding="utf-8")


def _counted_rows(file: Path) -> int:
    """The rows that a worker wrote; none where no worker came to it."""
    return int(file.read_text(encoding="utf-8")) if file.is_file() else 0


def _is_of(count: RowCount, split: str) -> bool:
    return count.boundary == TRANSFORMED and count.split == split


def analyse_shard(job: tuple[str, str], bound: str, schema: bytes) -> None:
    """Writes the Analysis of one gzip TFRecord shard, all or nothing.

    Args:
        job: where the rows are, and the file that is written.
        bound: the BoundProblem as JSON.
        schema: the serialized schema.
    """
    shard, target = Path(job[0]), Path(job[1])
    analysis = Analysis(BoundProblem.model_validate_json(bound))
    for batch in example_batches([shard], schema_pb2.Schema.FromString(schema)):
        analysis.add(batch)
    write_analysis(target, analysis)


def _identity(custom: dict[str, Any], schema: bytes) -> str:
    """Digest of all that shapes an analysis beside the shard."""
    return hashlib.sha256(json.dumps([custom["bound"], custom["fingerprint"], schema.hex()]).encode()).hexdigest()[:16]


class SpanTransform(Transform):
    """The standard Transform node with the executor above."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
