"""From one trained model to LiteRT variants, each scored against the server model and judged by itself."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
from numpy.typing import NDArray
from pyarrow import parquet
from tfx import v1 as tfx
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.types.standard_artifacts import Examples, Model, Schema
from tfx.utils import io_utils

from components.artifacts import DeviceModels
from edge.convert import Converted, convert_each
from edge.metrics import main_metric
from edge.runner import DeviceModel
from edge.score import Cost, VariantScore, compare, gzip_size, judged, unconverted
from models.raw_rows import Rows, read_rows
from schema import signatures
from schema.bound import BoundProblem
from schema.rows import columns, read_schema

PREDICTIONS = "test_predictions.parquet"
_BATCH_ROWS = 4096
_TIMED_ROWS = 20_480


@tfx.dsl.components.component
def DeviceModelsGen(  # noqa: N802 (a node is named like a class)
    model: InputArtifact[Model],
    examples: InputArtifact[Examples],
    schema: InputArtifact[Schema],
    device_models: OutputArtifact[DeviceModels],
    bound: Parameter[str],
    fingerprint: Parameter[str],
) -> None:
    """Writes `<variant>.tflite`, `variants.json` and `test_predictions.parquet`.

    The int8 ranges are calibrated on the training split of `examples`; the variants are scored on its test split.
    """
    problem = BoundProblem.model_validate_json(bound)
    known = columns(read_schema(Path(io_utils.get_only_uri_in_dir(schema.uri))))
    splits = {name: sorted((Path(examples.uri) / f"Split-{name}").glob("*.gz")) for name in ("train", "test")}
    calibration = read_rows(splits["train"], problem, known, problem.problem.device.calibration_rows)
    test = read_rows(splits["test"], problem, known)
    folder = Path(device_models.uri)
    folder.mkdir(parents=True, exist_ok=True)
    device = problem.problem.device
    made, failed = convert_each(Path(model.uri) / signatures.DEVICE_FORM, device.variants, folder, calibration.columns)
    server = predict(Path(model.uri) / signatures.SERVING_FORM, problem, test)
    scores = [score_variant(variant, problem, test, server) for variant in made]
    scores += [unconverted(name, problem.problem.task, reason) for name, reason in failed.items()]
    scores.sort(key=lambda score: device.variants.index(score.name))
    (folder / "variants.json").write_text(json.dumps([asdict(score) for score in scores], indent=1), encoding="utf-8")
    write_predictions(folder / PREDICTIONS, problem, test, server)
    device_models.accepted = sum(score.accepted for score in scores)


def predict(saved_model: Path, bound: BoundProblem, rows: Rows) -> NDArray[np.float32]:
    """The served model's scores [N, outputs] of dense rows."""
    answer = tf.saved_model.load(str(saved_model)).signatures[signatures.PREDICT_ROWS]
    key = signatures.prediction_key(bound.problem.task)
    parts = []
    for start in range(0, len(rows), _BATCH_ROWS):
        batch = {name: tf.constant(column[start : start + _BATCH_ROWS]) for name, column in rows.columns.items()}
        parts.append(answer(**batch)[key].numpy())
    scores: NDArray[np.float32] = np.concatenate(parts).reshape(len(rows), -1)
    return scores


def score_variant(variant: Converted, bound: BoundProblem, rows: Rows, server: NDArray[np.float32]) -> VariantScore:
    """The variant's score against the server's on the same rows, judged by the problem's bounds."""
    problem = bound.problem
    device = DeviceModel(variant.path)
    content = variant.path.read_bytes()
    timed = {name: column[:_TIMED_ROWS] for name, column in rows.columns.items()}
    p50, p95 = device.latency(timed)
    cost = Cost(len(content), gzip_size(content), p50, p95, device.rows_per_second(timed))
    predictions = device.predict(rows.columns)
    score = compare(variant.recipe, cost, problem.task, rows.labels, server, predictions, problem.evaluation.threshold)
    return judged(score, main_metric(problem.task, rows.labels, server), problem.device)


def write_predictions(path: Path, bound: BoundProblem, rows: Rows, server: NDArray[np.float32]) -> None:
    """The server model's test predictions a row, with split key and label, for whoever compares models."""
    table: dict[str, Any] = {bound.problem.label: rows.labels}
    if rows.keys is not None and bound.problem.split.key:
        table[bound.problem.split.key] = rows.keys
    key = signatures.prediction_key(bound.problem.task)
    table[key] = server[:, 0] if server.shape[1] == 1 else list(server)
    parquet.write_table(pa.table(table), path)
