"""A released version asked for a few rows, in its server form and in one of its device forms."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from components.release.release_store import DEVICE, MANIFEST
from edge.bundle.manifest import MANIFEST as DEVICE_MANIFEST
from reports.artifacts.quiet_imports import quietly
from reports.runs.run import MissingArtifactError, Run
from reports.views.answers import Answers, Row
from schema.bound import BoundProblem, bind
from schema.closed import nearest
from schema.errors import InputError
from schema.json_file import read_json
from schema.problem import Problem
from schema.release_files import check_release
from schema.rows import Column, columns, read_schema


def answers(run: Run, variant: str | None = None, rows: int = 5) -> Answers:
    """Both models' answers for the first rows of the test split.

    Args:
        run: whose version and whose rows.
        variant: a device variant of the version; its first when left out.
        rows: how many; at most what the first shard of the split holds.

    Raises:
        InputError: if the run pushed nothing, its version or its rows are gone, or the version has no such variant.
        DamagedFileError: if the version is not what was pushed.
    """
    version = _version(run)
    check_release(version)
    path = _variant(version, variant)
    schema = read_schema(run.artifact("ImportSchemaGen.schema") / "schema.pbtxt")
    shards = sorted((run.artifact("ExampleGen.examples") / "Split-test").glob("*.gz"))
    if not shards:
        raise MissingArtifactError(f"run {run.id}: the test split of ExampleGen.examples has been removed")
    if "problem" not in run.config:
        raise MissingArtifactError(f"run {run.id} has no config.json, which says what a row is")
    bound = bind(Problem.from_mapping(run.config["problem"], f"run {run.id}: config.json"), schema)
    with quietly():
        found = _asked(version, path, shards[0], bound, columns(schema), rows)
    return Answers(version.name, path.stem, found, bound.problem.label, bound.problem.classes)


def _version(run: Run) -> Path:
    if not run.record.get("pushed"):
        raise MissingArtifactError(f"run {run.id} ({run.record['status']}) pushed no version to ask")
    folder = run.output / "pushed" / run.problem / str(run.record["pushed"]["version"])
    if not folder.is_dir():
        raise MissingArtifactError(f"run {run.id}: its version {folder} has been removed")
    return folder


def _variant(version: Path, name: str | None) -> Path:
    # Not by what lies in the folder, where a variant has a file a form.
    variants = json.loads((version / MANIFEST).read_text(encoding="utf-8"))["variants"]
    known = {one["name"]: version / DEVICE / f"{one['name']}.tflite" for one in variants if one["accepted"]}
    if not known:
        raise MissingArtifactError(f"version {version.name} has no device model: none was accepted")
    chosen = next(iter(known)) if name is None else name
    if chosen not in known:
        raise InputError(f"version {version.name} has no device model '{chosen}'.{nearest(chosen, list(known))}")
    return known[chosen]


def _asked(
    version: Path, path: Path, shard: Path, bound: BoundProblem, known: Mapping[str, Column], rows: int
) -> list[Row]:
    # Here, for TensorFlow is silent only if it is imported quietly.
    from components.evaluation.batch_scoring import less_offset, server_scorer
    from edge.runtime.litert_model import DeviceModel
    from models.export.raw_rows import read_rows

    taken = read_rows([shard], bound, known, rows)
    # A version of before labels had an offset has none in its manifest.
    offset = float(read_json(version / DEVICE / DEVICE_MANIFEST)["output"].get("offset", 0.0))
    answered = (server_scorer(version, bound, offset)(taken.columns), DeviceModel(path).predict(taken.columns))
    scores = [less_offset(part, -offset) for part in answered]
    classes = bound.problem.classes
    return [
        Row(
            features={name: _text(column[place]) for name, column in taken.columns.items()},
            label=_text(classes[int(label)] if classes else label),
            server=[float(score) for score in scores[0][place]],
            device=[float(score) for score in scores[1][place]],
        )
        for place, label in enumerate(taken.labels)
    ]


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, float | np.floating):
        return "missing" if np.isnan(value) else f"{value:.6g}"
    return str(value)
