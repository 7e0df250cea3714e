"""An evaluation as a Beam pipeline: shards to totals, totals to TFMA's results, and those to TFMA's files."""

from collections.abc import Iterable, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import apache_beam as beam
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.api import model_eval_lib
from tensorflow_model_analysis.evaluators import evaluator
from tensorflow_model_analysis.extractors import extractor
from tensorflow_model_analysis.proto import config_pb2

from evaluation.computations import Computations, computations
from evaluation.folds import FoldRule
from evaluation.intervals import Intervals, intervals
from evaluation.results import SliceResults, Validated
from evaluation.rows import BATCH_ROWS, RowReader, row_reader
from evaluation.rows_seen import keep_rows_seen
from evaluation.served_model import ModelPlace
from evaluation.shard_totals import Plan, Resampling, RowsSeen, ShardTotals, SliceTotals
from evaluation.slices import slice_features
from evaluation.supported import check_config
from evaluation.totals import merge

_EXTRACT, _EVALUATE = "ExtractShardTotals", "EvaluateMetricsAndPlots"
_SLICE, _TOTALS = "slice", "totals"


def evaluate(
    pipeline: beam.Pipeline,
    shards: Iterable[Path],
    config: config_pb2.EvalConfig,
    models: Mapping[str, Path],
    schema: schema_pb2.Schema,
    output: Path,
    batch_rows: int = BATCH_ROWS,
    split_key: str | None = None,
) -> None:
    """Adds the evaluation to a pipeline; it goes through TFMA's own extension points and is written by its writers.

    Args:
        pipeline: where to add it.
        shards: TFRecord files of tf.Examples.
        config: TFMA's config with its defaults filled in.
        models: the folder of the SavedModel of each of the config's models, by name.
        schema: of the examples.
        output: folder for TFMA's files, and for the rows that were seen: see evaluation.rows_seen.
        batch_rows: rows that are predicted and summed at once; memory grows with them, results do not change.
        split_key: feature whose equal values are left out together for confidence intervals; None for row by row.

    Raises:
        InputError: for a setting or a metric that has no vector form, or a feature that the schema lacks.
    """
    check_config(config)
    tree = computations(config)
    asked = intervals(config, tree)
    resampling = Resampling(FoldRule(split_key), asked.places) if asked else None
    reader = row_reader(schema, _features(config, resampling), batch_rows)
    shared = [
        model_eval_lib.default_eval_shared_model(str(models[spec.name]), model_name=spec.name, eval_config=config)
        for spec in config.model_specs
    ]
    _ = (
        pipeline
        | "Shards" >> beam.Create([{constants.INPUT_KEY: str(shard).encode()} for shard in shards])
        | "ExtractEvaluateAndWriteResults"
        >> model_eval_lib.ExtractEvaluateAndWriteResults(
            eval_shared_model=shared if len(shared) > 1 else shared[0],
            eval_config=config,
            extractors=[extractor.Extractor(_EXTRACT, _Extract(_plan(config, tree, models, reader, resampling)))],
            evaluators=[evaluator.Evaluator(_EVALUATE, _EXTRACT, _Evaluate(config, tree, asked, output))],
            output_path=str(output),
        )
    )


def _features(config: config_pb2.EvalConfig, resampling: Resampling | None) -> set[str]:
    """What is looked at of a row, besides what the models see."""
    sliced = {name for spec in config.slicing_specs for name in spec.feature_keys}
    keys = {resampling.rule.key} if resampling and resampling.rule.key else set()
    return sliced | {spec.label_key for spec in config.model_specs} | keys


def _plan(
    config: config_pb2.EvalConfig,
    tree: Computations,
    models: Mapping[str, Path],
    reader: RowReader,
    resampling: Resampling | None,
) -> Plan:
    places = tuple(ModelPlace.of(spec, models[spec.name]) for spec in config.model_specs)
    return Plan(reader, places, tree.leaves, tuple(slice_features(config.slicing_specs)), resampling)


class _Extract(beam.PTransform):
    """Shards to the totals of their slices."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan

    def expand(self, shards: Any) -> Any:
        """Extracts with a shard's name to extracts with a slice and its totals."""
        return (
            shards
            | "Name" >> beam.Map(lambda extracts: extracts[constants.INPUT_KEY].decode())
            | "Spread" >> beam.Reshuffle()
            | "Totals" >> beam.ParDo(ShardTotals(self._plan))
            | "Extracts" >> beam.MapTuple(lambda key, totals: {_SLICE: key, _TOTALS: totals})
        )


class _Evaluate(beam.PTransform):
    """Totals to TFMA's metrics, plots and validations a slice."""

    def __init__(
        self, config: config_pb2.EvalConfig, tree: Computations, asked: Intervals | None, output: Path
    ) -> None:
        super().__init__()
        self._config, self._results, self._output = config, SliceResults(tree, config, asked), output

    def expand(self, extracts: Any) -> dict[str, Any]:
        """A collection a kind of result."""
        merged = (
            extracts
            | "BySlice" >> beam.Map(lambda found: (found[_SLICE], found[_TOTALS]))
            | "Merge" >> beam.CombinePerKey(_merged)
        )
        results = merged | "Results" >> beam.ParDo(self._results).with_outputs(SliceResults.POINTS, *SliceResults.KINDS)
        features = slice_features(self._config.slicing_specs)
        _ = merged | "RowsSeen" >> beam.Map(keep_rows_seen, features, str(self._output))
        verdicts = results[SliceResults.POINTS] | "Validate" >> beam.Map(Validated(self._config))
        return {**{kind: results[kind] for kind in SliceResults.KINDS}, constants.VALIDATIONS_KEY: verdicts}


def _merged(parts: Iterable[SliceTotals]) -> SliceTotals:
    """The totals of one slice over several shards, or over several such merges."""
    kept = list(parts)
    whole = tuple(map(merge, zip(*(part.whole for part in kept), strict=True)))
    folded = tuple(map(merge, zip(*(part.folded for part in kept), strict=True)))
    seen = [part.rows for part in kept if part.rows is not None]
    return SliceTotals(whole, folded, reduce(RowsSeen.plus, seen) if seen else None)
