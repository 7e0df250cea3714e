"""Transform with an analysis of our own: whole columns, a shard at a time, each shard analysed once."""

import hashlib
import json
import logging
import pickle
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

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

from components.span_store import read_spans
from ingestion.records import example_batches
from models.analysis import Analysis, merged
from models.materialize import transform_shard
from models.records import write_split_rows
from models.statistics import Statistics
from models.transform_graph import write_transform_graph
from schema.bound import BoundProblem
from schema.errors import InputError
from schema.precision import Precision, read_precision
from schema.problem import Encoding, Problem, Task
from schema.rows import read_schema

_LOG = logging.getLogger(__name__)
_CACHE_FOLDER = "analyses"


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
        check_precision(read_precision(examples), BoundProblem.model_validate_json(custom["bound"]).problem)
        known = self._analyse(examples, splits.analyze, schema, custom)
        encode = udf_utils.get_fn(exec_properties, keys.PREPROCESSING_FN_KEY)
        encode = partial(encode, custom_config={**custom, "statistics": known.to_json()})
        write_transform_graph(encode, schema, known, Path(graph))
        self._materialize(graph, examples, Path(transformed.uri), splits.transform)
        spans = read_spans(examples)
        rows = {split: sum(span.rows[split] for span in spans) for split in splits.transform}
        write_split_rows(Path(transformed.uri), rows)
        transformed.split_names = artifact_utils.encode_split_names(list(splits.transform))

    def _analyse(
        self, examples: Path, splits: Iterable[str], schema: schema_pb2.Schema, custom: dict[str, Any]
    ) -> Statistics:
        """The statistics of the splits' rows; only shards that no earlier window analysed are read."""
        serialized = schema.SerializeToString(deterministic=True)
        folder = Path(custom["cache"]) / _CACHE_FOLDER / _identity(custom, serialized)
        jobs = [
            (str(shard), str(folder / Path(span.folder).name / split / f"{shard.name}.pickle"))
            for span in read_spans(examples)
            for split in splits
            for shard in sorted((Path(span.folder) / f"Split-{split}").glob("*.gz"))
        ]
        missing = [(shard, target) for shard, target in jobs if not Path(target).is_file()]
        _LOG.info("%d of %d shards to analyse", len(missing), len(jobs))
        if missing:
            with self._make_beam_pipeline() as pipeline:
                _ = pipeline | beam.Create(missing) | beam.Map(analyse_shard, custom["bound"], serialized)
        parts = (pickle.loads(Path(target).read_bytes()) for _, target in jobs)  # noqa: S301 (analyse_shard wrote it)
        return merged(BoundProblem.model_validate_json(custom["bound"]), parts)

    def _materialize(self, graph: str, examples: Path, transformed: Path, splits: Iterable[str]) -> None:
        jobs = [
            (graph, str(shard), str(transformed / f"Split-{split}" / shard.name))
            for split in splits
            for shard in sorted((examples / f"Split-{split}").glob("*.gz"))
        ]
        with self._make_beam_pipeline() as pipeline:
            _ = pipeline | beam.Create(jobs) | beam.MapTuple(transform_shard)


def check_precision(columns: Mapping[str, Precision], problem: Problem) -> None:
    """Refuses columns whose numbers float32 cannot tell apart: a model would learn from what is left of them.

    Args:
        columns: as ExampleGen measured them in the files, before they became float32.
        problem: says which of them a model takes as numbers.

    Raises:
        InputError: with a sentence for each of them.
    """
    asked = {name: (f"features.{name}", "and at serving") for name in problem.of(Encoding.QUANTILES)}
    if problem.task is Task.REGRESSION:
        asked[problem.label] = ("label", "and add it to the model's answers")
    faults = [columns[name].fault(key, name, remedy) for name, (key, remedy) in asked.items() if name in columns]
    told = [fault for fault in faults if fault]
    if told:
        raise InputError("\n".join(told))


def analyse_shard(job: tuple[str, str], bound: str, schema: bytes) -> None:
    """Writes the pickled Analysis of one gzip TFRecord shard, all or nothing.

    Args:
        job: where the rows are, and the file that is written.
        bound: the BoundProblem as JSON.
        schema: the serialized schema.
    """
    shard, target = Path(job[0]), Path(job[1])
    analysis = Analysis(BoundProblem.model_validate_json(bound))
    for batch in example_batches([shard], schema_pb2.Schema.FromString(schema)):
        analysis.add(batch)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_suffix(".partial")
    aside.write_bytes(pickle.dumps(analysis))
    aside.replace(target)


def _identity(custom: dict[str, Any], schema: bytes) -> str:
    """Digest of all that shapes an analysis beside the shard."""
    return hashlib.sha256(json.dumps([custom["bound"], custom["fingerprint"], schema.hex()]).encode()).hexdigest()[:16]


class SpanTransform(Transform):
    """The standard Transform node with the executor above."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
