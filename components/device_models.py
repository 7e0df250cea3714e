"""From one trained model to LiteRT variants, each scored against the server model and judged by itself."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import Examples, Model, Schema
from tfx.utils import io_utils

from components.artifacts import DeviceModels
from components.split_scores import SERVER, Scored, Scorer, score_split, server_scorer
from edge.convert import Converted, convert_each
from edge.metrics import main_metric
from edge.runner import Columns, DeviceModel
from edge.score import Cost, VariantScore, compare, gzip_size, judged, unconverted
from models.raw_rows import Rows, read_rows, row_batches
from schema import signatures
from schema.bound import BoundProblem
from schema.errors import InputError
from schema.rows import columns, read_schema

PREDICTIONS = "test_predictions.parquet"


@component
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
    folder = Path(device_models.uri)
    folder.mkdir(parents=True, exist_ok=True)
    device = problem.problem.device

    def calibration() -> Columns:
        return read_rows(splits["train"], problem, known, device.calibration_rows).columns

    # What the conversion's process leaves to this one is done in the meantime.
    with ThreadPoolExecutor(1) as conversion:
        converted = conversion.submit(
            convert_each, {None: Path(model.uri) / signatures.DEVICE_FORM}, device.variants, folder, calibration
        )
        timed, test = _with_first(row_batches(splits["test"], problem, known), Path(examples.uri) / "Split-test")
        scorers: dict[str, Scorer] = {SERVER: server_scorer(Path(model.uri) / signatures.SERVING_FORM, problem)}
        made, failed = converted.result()
    scorers |= {variant.recipe: DeviceModel(variant.path).predict for variant in made}
    scored = score_split(test, scorers)
    scores = [score_variant(variant, problem, scored, timed) for variant in made]
    scores += [unconverted(name, problem.problem.task, reason) for name, reason in failed.items()]
    scores.sort(key=lambda score: device.variants.index(score.name))
    (folder / "variants.json").write_text(json.dumps([asdict(score) for score in scores], indent=1), encoding="utf-8")
    write_predictions(folder / PREDICTIONS, problem, scored)
    device_models.set_int_custom_property("accepted", sum(score.accepted for score in scores))


def _with_first(batches: Iterator[Rows], folder: Path) -> tuple[Columns, Iterator[Rows]]:
    """The columns of the first batch, and all batches."""
    first = next(batches, None)
    if first is None:
        raise InputError(f"split 'test': no rows in {folder}. Widen --span-window, or the split's share.")
    return first.columns, chain([first], batches)


def score_variant(variant: Converted, bound: BoundProblem, scored: Scored, timed: Columns) -> VariantScore:
    """The variant's score against the server's on the same rows, judged by the problem's bounds.

    Latency and speed are those on the rows `timed`.
    """
    problem = bound.problem
    device = DeviceModel(variant.path)
    content = variant.path.read_bytes()
    cost = Cost(len(content), gzip_size(content), *device.latency(timed), device.rows_per_second(timed))
    labels, server, answers = scored.labels, scored.scores[SERVER], scored.scores[variant.recipe]
    score = compare(variant.recipe, cost, problem.task, labels, server, answers, problem.evaluation.threshold)
    return judged(score, main_metric(problem.task, labels, server), problem.device)


def write_predictions(path: Path, bound: BoundProblem, scored: Scored) -> None:
    """The server model's test predictions a row, with split key and label, for whoever compares models."""
    table: dict[str, Any] = {bound.problem.label: scored.labels}
    if scored.keys is not None and bound.problem.split.key:
        table[bound.problem.split.key] = scored.keys
    server = scored.scores[SERVER]
    key = signatures.prediction_key(bound.problem.task)
    table[key] = server[:, 0] if server.shape[1] == 1 else list(server)
    parquet.write_table(pa.table(table), path)
