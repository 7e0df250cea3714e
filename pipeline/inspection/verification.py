"""What a run says of its rows and its model, counted anew from the files and held against TFMA's own evaluation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.slicer import slicer_lib
from tensorflow_model_analysis.writers import eval_config_writer

from components.release.release_store import MANIFEST
from evaluation.disagreement import COUNT, Disagreement, Metrics, disagreements
from evaluation.official_check import official_check
from evaluation.recount import AnsweredRows, answered_rows, row_count
from evaluation.scored_slices import Values
from reports.artifacts.evaluation import CANDIDATE, OVERALL, slice_name, sliced_metrics
from reports.runs.collected import split_rows
from schema.json_file import read_json

# The split that models are evaluated on.
_SPLIT = "test"


@dataclass(frozen=True)
class Evidence:
    """The folders of what a run left; `variants` and `release` are None where it has none."""

    examples: Path
    schema: Path
    evaluation: Path
    model: Path
    variants: Path | None = None
    release: Path | None = None


@dataclass(frozen=True)
class Check:
    """One thing that was verified: what agreed, in words, and a sentence with both values for what did not."""

    title: str
    agreed: str
    faults: tuple[str, ...]


def verify(evidence: Evidence, seed: int, sample_rows: int) -> list[Check]:
    """Every check of one run.

    Args:
        evidence: what it left.
        seed: of the sample that TFMA evaluates.
        sample_rows: rows of it.

    Raises:
        InputError: if the files, the model or the config are not those of one run.
    """
    shards = _shards(evidence.examples, _SPLIT)
    config = eval_config_writer.load_eval_run(str(evidence.evaluation))[0]
    schema = text_format.Parse(next(evidence.schema.glob("*.pbtxt")).read_text("utf-8"), schema_pb2.Schema())
    answered = answered_rows(evidence.model, shards, config, schema)
    recounted = _by_name(answered.metrics(config))
    checks = [_rows(evidence.examples), _evaluation(evidence.evaluation, recounted, answered)]
    if evidence.variants is not None:
        checks.append(_variants(evidence.variants, recounted))
    if evidence.release is not None:
        checks.append(_release(evidence.release, recounted, answered))
    return [*checks, _official(evidence.model, shards, answered, config, schema, seed, sample_rows)]


def _shards(examples: Path, split: str) -> list[Path]:
    return sorted(path for path in (examples / f"Split-{split}").glob("*") if path.is_file())


def _by_name(metrics: Mapping[Any, Values]) -> dict[str, Values]:
    return {slice_name(slicer_lib.serialize_slice_key(key)): values for key, values in metrics.items()}


def _rows(examples: Path) -> Check:
    """Rows per split as ExampleGen counted them, and as the files hold them."""
    told = split_rows(examples)
    held = {split: row_count(_shards(examples, split)) for split in told}
    faults = [
        f"split '{split}': ExampleGen counted {rows:,} rows, its files hold {held[split]:,}"
        for split, rows in told.items()
        if rows != held[split]
    ]
    return Check("rows", ", ".join(f"{split} {rows:,}" for split, rows in held.items()), tuple(faults))


def _evaluation(evaluation: Path, recounted: Metrics, answered: AnsweredRows) -> Check:
    told: dict[str, Values] = {name: {**sides[CANDIDATE]} for name, sides in sliced_metrics(evaluation).items()}
    found = disagreements(told, recounted, answered.scale)
    return Check("evaluation", _size(recounted), _sentences(found, "in the evaluation", "counted anew from the files"))


def _variants(variants: Path, recounted: Metrics) -> Check:
    """Rows per slice of each device variant."""
    entries = read_json(variants / "variants.json")
    scored = [entry for entry in entries if entry["bytes"]]
    faults = [
        f"{entry['name']} on {name}: {rows:,} rows in variants.json, {_count(recounted, name):,} counted anew"
        for entry in scored
        for name, rows in [(OVERALL, entry["rows"]), *((part["slice"], part["rows"]) for part in entry["slices"])]
        if rows != _count(recounted, name)
    ]
    return Check("devices", f"{len(scored)} variants, rows of {len(recounted)} slices", tuple(faults))


def _count(recounted: Metrics, name: str) -> int:
    return int(recounted.get(name, {}).get(COUNT) or 0)


def _release(release: Path, recounted: Metrics, answered: AnsweredRows) -> Check:
    told = {OVERALL: read_json(release / MANIFEST)["metrics"]}
    found = disagreements(told, {OVERALL: recounted[OVERALL]}, answered.scale)
    return Check("release", f"metrics of {MANIFEST}", _sentences(found, f"in {MANIFEST}", "counted anew"))


def _official(
    model: Path,
    shards: Sequence[Path],
    answered: AnsweredRows,
    config: config_pb2.EvalConfig,
    schema: schema_pb2.Schema,
    seed: int,
    sample_rows: int,
) -> Check:
    found = official_check(model, shards, len(answered.labels), config, schema, seed, sample_rows)
    named = [
        Disagreement(one.metric, slice_name(slicer_lib.serialize_slice_key(one.slice)), one.one, one.other)
        for one in found.disagreements
    ]
    agreed = f"{found.values:,} values on {found.slices} slices, of {found.rows:,} rows drawn with seed {seed}"
    notes = "".join(f"; not compared: {why}" for why in found.not_compared)
    return Check("TFMA", f"{agreed}{notes}", _sentences(named, "here", "by TFMA"))


def _size(metrics: Metrics) -> str:
    return f"{sum(len(values) for values in metrics.values()):,} values on {len(metrics)} slices"


def _sentences(found: Sequence[Disagreement], one: str, other: str) -> tuple[str, ...]:
    return tuple(
        f"{fault.slice}: {fault.metric} is {_value(fault, fault.one)} {one}, {_value(fault, fault.other)} {other}"
        for fault in found
    )


def _value(fault: Disagreement, value: float | None) -> str:
    if value is None:
        return "undefined"
    return f"{value:,.0f}" if fault.metric == COUNT else f"{value:.9g}"
