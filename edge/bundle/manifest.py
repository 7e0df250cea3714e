"""What a device bundle says of itself: manifest.json."""

import hashlib
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.bundle.tolerance import tolerance
from edge.flatbuffer import model_io
from edge.forms.golden_selection import REAL_ROWS
from edge.forms.writer import variant_files
from edge.runtime.litert_model import Array
from schema.bound import BoundProblem
from schema.described import Described
from schema.errors import PipelineError
from schema.metrics import MAIN
from schema.problem import Task
from schema.rows import Kind
from schema.signatures import DEVICE_SCORE

MANIFEST, VOCABULARY, GOLDEN = "manifest.json", "vocab.json", "golden.json"
# Of a DeviceModels artifact: `offset`, the label's, which its models leave out of their answers.
OUTPUT = "output.json"

# What a variant's entry has from variants.json, as it is there.
_KEPT = ("bytes", "gzip_bytes", "value", "change", "change_low", "change_high", "latency_p50_us", "minimum_runtime")


@dataclass(frozen=True)
class Release:
    """The version that a bundle is part of.

    Attributes:
        version: the version's number.
        created: when it was released, ISO 8601 with its offset from UTC.
        data_window: the data it was trained and judged on, in words.
        runtimes: versions of what made and judged the files, by package.
    """

    version: int
    created: str
    data_window: str
    runtimes: Mapping[str, str]


def manifest(
    bound: BoundProblem,
    described: Mapping[str, Described],
    release: Release,
    golden: Mapping[str, Any] | None,
    accepted: Sequence[Mapping[str, Any]],
    folder: Path,
    offset: float,
) -> dict[str, Any]:
    """The content of manifest.json.

    Args:
        bound: the problem.
        described: what schema.pbtxt says of its columns.
        release: the version.
        golden: the content of golden.json, of which a real row gives each feature's typical value; None where no
            variant was accepted.
        accepted: variants.json's entries of the bundle's variants.
        folder: where their files lie, as they are released.
        offset: the label's, see schema.precision.label_offset.

    Raises:
        PipelineError: if a file or a variant's golden answers are absent.
    """
    problem = bound.problem
    typical = typical_row(golden["rows"]) if golden else dict.fromkeys(problem.features)
    return {
        "title": problem.title,
        "problem": problem.name,
        "task": str(problem.task),
        "label": problem.label,
        "classes": list(problem.classes),
        "threshold": problem.evaluation.threshold if problem.task is Task.BINARY else None,
        "version": release.version,
        "created": release.created,
        "data_window": release.data_window,
        "output": output(bound, described, offset),
        "features": [feature(bound, name, described[name], typical[name]) for name in problem.features],
        "metric": MAIN[problem.task],
        "variants": [_variant(entry, golden["expected"] if golden else {}, folder) for entry in accepted],
        "runtime_versions": dict(release.runtimes),
    }


def typical_row(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The first real golden row that lacks as many numbers and strings as most do: its values belong together."""
    real = rows[:REAL_ROWS]
    missing = [sum(value in (None, "") for value in row.values()) for row in real]
    return real[missing.index(statistics.median_low(missing))]


def output(bound: BoundProblem, described: Mapping[str, Described], offset: float) -> dict[str, Any]:
    """What the one output means: its name, how many numbers per row it has, their unit, and a sentence.

    A regression's `offset` is to be added to it, in 64 bits; mostly 0.
    """
    problem = bound.problem
    if problem.task is Task.REGRESSION:
        unit, less = described[problem.label].unit, f" less {offset:,.0f}" if offset else ""
        said = f"the value of {problem.label}{less}"
        return {"name": DEVICE_SCORE, "size": 1, "unit": unit, "offset": offset, "description": said}
    if problem.task is Task.MULTICLASS:
        said = f"the probability of each class of {problem.label}, in the order of classes"
    else:
        said = f"the probability that {problem.label} is {problem.label_values[1]}"
    return {"name": DEVICE_SCORE, "size": problem.outputs, "unit": "", "description": said}


def feature(bound: BoundProblem, name: str, told: Described, typical: str | float | None) -> dict[str, Any]:
    """One input: its name, kind, unit, description and, where they are known, its domain's ends.

    `missing` is what stands for a missing value: an empty string, an integer below the domain, or null for a number,
    which a model takes as NaN.
    """
    kind = bound.dense_kind(name)
    ends = {"minimum": told.minimum, "maximum": told.maximum}
    return {
        "name": name,
        "kind": str(kind),
        "unit": told.unit,
        "description": told.description,
        "missing": {Kind.STRING: "", Kind.NUMBER: None}.get(kind, bound.missing_value(name)),
        "typical": typical,
        **({} if kind is Kind.STRING else {end: value for end, value in ends.items() if value is not None}),
    }


def _variant(entry: Mapping[str, Any], expected: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    name, files = entry["name"], variant_files(entry["name"])
    if name not in expected:
        raise PipelineError(
            f"golden.json: no answers of the accepted variant '{name}'. Received those of: "
            f"{', '.join(expected) or 'none'}"
        )
    content = {file: _read(folder / file) for file in files.values()}
    raw = content[files["raw"]]
    return {
        "name": name,
        "files": files,
        **{key: entry.get(key) for key in _KEPT},
        "form_bytes": {form: len(content[file]) for form, file in files.items()},
        "expectation": entry.get("expectation") or "",
        "operators": sorted({operator.name for operator in model_io.operators(model_io.read(raw))}),
        "tolerance": tolerance(raw, _answers(expected[name]), entry.get("label_deviation") or 1.0),
        "sha256": {file: hashlib.sha256(data).hexdigest() for file, data in content.items()},
    }


def _answers(rows: Sequence[Sequence[float | None]]) -> Array:
    """float32 [N, k]; what was not finite is NaN."""
    return np.array([[np.nan if score is None else score for score in row] for row in rows], np.float32)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise PipelineError(f"{path}: the file is absent, though its variant was accepted") from None
