"""Our own infra check: the exported model must load in both loaders, answer every signature, and agree with itself."""

import json
import textwrap
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import Examples, Model, Schema
from tfx.utils import io_utils

from components.artifacts import Verdict
from models.export.raw_rows import Rows, read_rows
from schema import signatures
from schema.bound import BoundProblem
from schema.rows import Column, columns, read_schema

_ROWS = 64
# Relative and absolute: loaders and signatures fuse operations differently, and a value may be in the thousands.
_TOLERANCE = 1e-5

# TensorFlow puts these, and indented stack frames, above what went wrong.
_HEADINGS = ("Graph execution error", "Detected at node", "<stack traces", " ", "\t")
_GIST_CHARACTERS = 200

Answers = dict[str, dict[str, NDArray[Any]]]


@component
def ServingValidator(  # noqa: N802 (a node is named like a class)
    model: InputArtifact[Model],
    examples: InputArtifact[Examples],
    schema: InputArtifact[Schema],
    verdict: OutputArtifact[Verdict],
    bound: Parameter[str],
    fingerprint: Parameter[str],
) -> None:
    """Writes `verdict.json`: `passed`, and the `reasons` where it did not."""
    problem = BoundProblem.model_validate_json(bound)
    known = columns(read_schema(Path(io_utils.get_only_uri_in_dir(schema.uri))))
    rows = some_rows(Path(examples.uri) / "Split-test", problem, known)
    saved_model = Path(model.uri) / signatures.SERVING_FORM
    reasons = validate(saved_model, rows, problem) if len(rows) else ["the test split holds no row to ask with"]
    Path(verdict.uri).mkdir(parents=True, exist_ok=True)
    report = {"passed": not reasons, "reasons": reasons, "rows": len(rows)}
    (Path(verdict.uri) / "verdict.json").write_text(json.dumps(report, indent=1), encoding="utf-8")


def some_rows(folder: Path, bound: BoundProblem, known: Mapping[str, Column]) -> Rows:
    """A few rows of the first shard that has any; none if no shard has."""
    found = (read_rows([shard], bound, known, _ROWS) for shard in sorted(folder.glob("*.gz")))
    return next((rows for rows in found if len(rows)), Rows(np.empty(0, object), {}, np.empty(0), None))


def validate(saved_model: Path, rows: Rows, bound: BoundProblem) -> list[str]:
    """Reasons against serving the model; none if it may be served."""
    requests = make_requests(rows, bound)
    answers: dict[str, Answers] = {}
    reasons: list[str] = []
    for loader, ask in (("tf.saved_model.load", ask_loaded), ("a tf.compat.v1 Session", ask_session)):
        try:
            answers[loader] = ask(saved_model, requests)
        except (OSError, ValueError, TypeError, KeyError, tf.errors.OpError) as error:
            reasons.append(f"{loader} does not serve it: {type(error).__name__}: {_gist(error)}")
    for loader, given in answers.items():
        reasons += [f"{loader}: {reason}" for reason in disagreements(given)]
    if len(answers) == 2:
        reasons += _between(*answers.values())
    return reasons


def _gist(error: Exception) -> str:
    """The first line of an error that says something, cut to a sentence's length."""
    lines = (line for line in str(error).splitlines() if line.strip() and not line.startswith(_HEADINGS))
    return textwrap.shorten(next(lines, "no message"), _GIST_CHARACTERS, placeholder=" ...")


def make_requests(rows: Rows, bound: BoundProblem) -> dict[str, dict[str, NDArray[Any]]]:
    """Requests by signature: the rows, then one with every feature missing and one with every category unseen."""
    gap = {name: np.array([bound.missing_value(name)], column.dtype) for name, column in rows.columns.items()}
    odd = {
        name: _unseen(column, value) for (name, column), value in zip(rows.columns.items(), gap.values(), strict=True)
    }
    table = {name: np.concatenate([column, gap[name], odd[name]]) for name, column in rows.columns.items()}
    serialized = [*rows.serialized, b"", _as_example(odd)]
    by_example = {signatures.EXAMPLES: np.array(serialized, object)}
    requests = {
        signatures.SERVING_DEFAULT: by_example,
        signatures.TRANSFORM_FEATURES: by_example,
        signatures.PREDICT_ROWS: table,
    }
    return {**requests, signatures.TRANSFORM_LABELS: by_example} if bound.problem.classes else requests


def _unseen(column: NDArray[Any], gap: NDArray[Any]) -> NDArray[Any]:
    return np.array([b"\xc3\xa9 never seen"], object) if column.dtype == object else gap


def _as_example(row: dict[str, NDArray[Any]]) -> bytes:
    features = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=list(value)))
        for name, value in row.items()
        if value.dtype == object
    }
    serialized: bytes = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
    return serialized


def ask_loaded(saved_model: Path, requests: dict[str, dict[str, NDArray[Any]]]) -> Answers:
    """Answers of every signature through tf.saved_model.load."""
    loaded = tf.saved_model.load(str(saved_model))
    answers: Answers = {}
    for name, request in requests.items():
        _check_signature(name, name in loaded.signatures)
        answer = loaded.signatures[name]
        _check_inputs(name, answer.structured_input_signature[1], request)
        tensors = {key: tf.constant(value) for key, value in request.items()}
        answers[name] = {key: value.numpy() for key, value in answer(**tensors).items()}
    return answers


def ask_session(saved_model: Path, requests: dict[str, dict[str, NDArray[Any]]]) -> Answers:
    """Answers of every signature in a Session, as TF Serving loads it."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], str(saved_model))
        answers: Answers = {}
        for name, request in requests.items():
            _check_signature(name, name in graph.signature_def)
            signature = graph.signature_def[name]
            _check_inputs(name, signature.inputs, request)
            feed = {signature.inputs[key].name: value for key, value in request.items()}
            fetch = {key: info.name for key, info in signature.outputs.items()}
            answers[name] = session.run(fetch, feed)
        return answers


def _check_signature(name: str, known: bool) -> None:
    if not known:
        raise ValueError(f"no signature '{name}'")


def _check_inputs(name: str, inputs: Collection[str], request: Collection[str]) -> None:
    if set(inputs) != set(request):
        raise ValueError(f"signature '{name}' takes {sorted(inputs)}. Expected: {sorted(request)}")


def disagreements(answers: Answers) -> list[str]:
    """Where serving_default and predict_rows answer the same rows differently, or a number is not finite."""
    by_example, by_rows = answers[signatures.SERVING_DEFAULT], answers[signatures.PREDICT_ROWS]
    if by_example.keys() != by_rows.keys():
        return [f"serving_default answers {sorted(by_example)} and predict_rows {sorted(by_rows)}"]
    reasons = []
    for key, answer in by_example.items():
        if not _same(answer, by_rows[key]):
            reasons.append(f"serving_default and predict_rows disagree in '{key}' on the same rows")
        if answer.dtype.kind == "f" and not np.isfinite(answer).all():
            broken = int((~np.isfinite(answer)).sum())
            reasons.append(f"'{key}' is not finite in {broken} of {answer.size} answers")
    return reasons


def _between(one: Answers, other: Answers) -> list[str]:
    return [
        f"the two loaders disagree in '{key}' of {name}"
        for name, answer in one.items()
        for key, value in answer.items()
        if not _same(value, other[name][key])
    ]


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    if one.shape != other.shape:
        return False
    if one.dtype.kind == "f" and other.dtype.kind == "f":
        finite = other[np.isfinite(other)]
        # A share of the largest answer, which a label in a tiny unit has as well. Answers of 64 bits are float32 with
        # an offset added, which is no measure of them.
        apart = other.dtype == np.float64
        size = float(np.ptp(finite) if apart and finite.size else np.abs(finite).max(initial=0.0))
        rest = 0.0 if apart else _TOLERANCE
        return bool(np.allclose(one, other, rtol=rest, atol=_TOLERANCE * size, equal_nan=True))
    return bool(np.array_equal(one, other))
