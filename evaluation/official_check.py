"""Our metrics of a sample of rows held against those of TFMA's own evaluation of the same rows."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_model_analysis.proto import config_pb2

from evaluation.disagreement import Disagreement, Metrics, against_official
from evaluation.official import official_metrics
from evaluation.recount import AnsweredRows, answered_rows, write_sample
from evaluation.scored_slices import single_model_config
from schema.metrics import SMALLEST_PROBABILITY

# Enough for most slices to have rows of both classes; TFMA takes some ten seconds for them on thirty slices.
SAMPLE_ROWS = 1000
# TFMA's class that does not clip, which its name in the config tells.
_UNCLIPPED = "BinaryCrossEntropy"


@dataclass(frozen=True)
class OfficialCheck:
    """What came of the check.

    Attributes:
        rows: drawn.
        slices: that have one of them.
        values: metrics of slices that were compared.
        disagreements: `one` is ours, `other` TFMA's; empty where all agree.
        not_compared: a sentence for what TFMA gives no comparable value of.
    """

    rows: int
    slices: int
    values: int
    disagreements: tuple[Disagreement, ...]
    not_compared: tuple[str, ...]


def official_check(
    model: Path,
    shards: Sequence[Path],
    rows: int,
    config: config_pb2.EvalConfig,
    schema: schema_pb2.Schema,
    seed: int,
    sample_rows: int = SAMPLE_ROWS,
) -> OfficialCheck:
    """Evaluates a sample of rows twice, by our forms and by TFMA, on all rows of it and on each of the config's slices.

    Args:
        model: the folder of the SavedModel.
        shards: TFRecord files of tf.Examples.
        rows: in all shards.
        config: TFMA's, of which the candidate is asked.
        schema: of the examples.
        seed: of the sample.
        sample_rows: rows of it.
    """
    with tempfile.TemporaryDirectory() as folder:
        sample = Path(folder) / "rows"
        drawn = write_sample(shards, sample, rows, sample_rows, seed)
        answered = answered_rows(model, [sample], config, schema)
        ours = answered.metrics(config)
        theirs = official_metrics(model, sample, config, schema, Path(folder) / "evaluation")
    return compared(answered, drawn, ours, theirs, config)


def compared(
    answered: AnsweredRows, rows: int, ours: Metrics, theirs: Metrics, config: config_pb2.EvalConfig
) -> OfficialCheck:
    """The verdict on two evaluations of the sample, ours and TFMA's.

    Args:
        answered: the sample.
        rows: of it.
        ours: our metrics, by slice and name.
        theirs: TFMA's.
        config: of both.
    """
    unclipped, why = _unclipped(answered, config)
    mine, official = _without(ours, unclipped), _without(theirs, unclipped)
    found = against_official(mine, official, answered.scale)
    values = sum(len(of_slice) for of_slice in official.values())
    return OfficialCheck(rows, len(official), values, tuple(found), why)


def _unclipped(answered: AnsweredRows, config: config_pb2.EvalConfig) -> tuple[set[str], tuple[str, ...]]:
    """The log loss where probabilities are clipped here, by name, and why."""
    specs = single_model_config(config).metrics_specs
    names = {_name(metric) for spec in specs for metric in spec.metrics if metric.class_name == _UNCLIPPED}
    outside = (answered.predictions < SMALLEST_PROBABILITY) | (answered.predictions > 1 - SMALLEST_PROBABILITY)
    clipped = int(outside.any(axis=1).sum())
    if not names or not clipped:
        return set(), ()
    return names, (
        f"{', '.join(sorted(names))}: {clipped:,} of {len(outside):,} rows have a probability within "
        f"{SMALLEST_PROBABILITY:g} of 0 or 1, which is clipped here and not by TFMA",
    )


def _name(metric: config_pb2.MetricConfig) -> str:
    return str(json.loads(metric.config or "{}").get("name", metric.class_name))


def _without(metrics: Metrics, names: set[str]) -> Metrics:
    return {key: {name: value for name, value in found.items() if name not in names} for key, found in metrics.items()}
