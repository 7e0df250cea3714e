"""From one trained model to LiteRT variants, each scored against the server model and judged by itself."""

import json
import logging
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
from tfx.types.standard_artifacts import Examples, Model, Schema, TransformGraph
from tfx.utils import io_utils

from components.artifacts import DeviceModels
from components.data.example_rows import FIX, split_rows
from components.data.span_range import data_window
from components.device.device_counts import device_counts
from components.device.device_forms import Told, write_variants
from components.device.device_scores import SliceWatch, intended, score_all
from components.device.trainable_model import write_trainable
from components.evaluation.batch_scoring import SERVER, Scored, Scorer, less_offset, score_split, server_scorer
from edge.bundle.manifest import OUTPUT
from edge.convert import library_versions, recipes
from edge.convert.converter import convert_each
from edge.gate.variant_score import unconverted
from edge.runtime.litert_model import Columns, DeviceModel
from models.export.raw_rows import Rows, read_rows, row_batches
from models.preprocessing.statistics import read_statistics
from schema import signatures
from schema.bound import BoundProblem
from schema.errors import InputError
from schema.row_ledger import require_equal, write_counts
from schema.rows import columns, read_schema

_LOG = logging.getLogger(__name__)

PREDICTIONS = "test_predictions.parquet"


@component
def DeviceModelsGen(  # noqa: N802 (a node is named like a class)
    model: InputArtifact[Model],
    examples: InputArtifact[Examples],
    schema: InputArtifact[Schema],
    transform_graph: InputArtifact[TransformGraph],
    device_models: OutputArtifact[DeviceModels],
    bound: Parameter[str],
    cache: Parameter[str],
    fingerprint: Parameter[str],
    fine_tuned: InputArtifact[Model] = None,
) -> None:
    """Writes every variant's forms, their vocabularies, golden rows and scores, and the test split's predictions.

    The vocabularies are those of the Transform whose graph is given. The int8 ranges are calibrated on the training
    split of `examples`; the variants are scored on its test split, whole and on every slice that the server model is
    judged on. `fine_tuned` has a device form for each technique that a recipe asks for; `cache` is a folder in which
    files that were made before are found again; `fingerprint` is that of the code and the libraries. With
    `device.trainable` there are `trainable.tflite` and `trainable.json`.
    """
    problem = BoundProblem.model_validate_json(bound)
    declared = read_schema(Path(io_utils.get_only_uri_in_dir(schema.uri)))
    known = columns(declared)
    splits = {name: sorted((Path(examples.uri) / f"Split-{name}").glob("*.gz")) for name in ("train", "test")}
    folder, trained = Path(device_models.uri), Path(model.uri)
    folder.mkdir(parents=True, exist_ok=True)
    device, statistics = problem.problem.device, read_statistics(Path(transform_graph.uri))

    def calibration() -> Columns:
        return read_rows(splits["train"], problem, known, device.calibration_rows).columns

    # What the conversion's processes leave to this one is done in the meantime.
    with ThreadPoolExecutor(1) as conversion:
        models = device_forms(trained, Path(fine_tuned.uri) if fine_tuned else None, device.variants)
        converted = conversion.submit(convert_each, models, device.variants, folder, calibration, Path(cache))
        first, test = _with_first(row_batches(splits["test"], problem, known), Path(examples.uri) / "Split-test")
        server = server_scorer(trained / signatures.SERVING_FORM, problem, statistics.label_offset)
        made, failed = converted.result()
    for name, reason in failed.items():
        _LOG.warning("variant '%s' could not be made: %s", name, reason)
    offset = statistics.label_offset
    (folder / OUTPUT).write_text(json.dumps({"offset": offset}), encoding="utf-8")
    told = Told(problem, declared, data_window(Path(examples.uri)), offset)
    forms = write_variants(made, folder, told, statistics.vocabularies, first.columns)
    if device.trainable:
        labels = less_offset(first.labels, offset)
        write_trainable(trained / signatures.TRAINABLE_FORM, folder, first.columns, labels, server(first.columns))
    scorers: dict[str, Scorer] = {SERVER: server}
    scorers |= {variant.recipe: DeviceModel(variant.path).predict for variant in made}
    watch = SliceWatch(problem.problem, declared)
    scored = score_split(watch.through(test), scorers, offset)
    slices = watch.result()
    counts = device_counts(scored, slices, watch.without, split_rows(Path(examples.uri), "test")["test"])
    require_equal("DeviceModels", counts, FIX)
    write_counts(counts, folder)
    label = known[problem.problem.label].kind
    scores = score_all(made, forms, problem.problem, scored, slices, label, first.columns)
    scores += [unconverted(name, problem.problem.task, reason, intended(name)) for name, reason in failed.items()]
    scores.sort(key=lambda score: device.variants.index(score.name))
    (folder / "variants.json").write_text(json.dumps([asdict(score) for score in scores], indent=1), encoding="utf-8")
    (folder / library_versions.FILE).write_text(json.dumps(library_versions.versions(), indent=1), encoding="utf-8")
    write_predictions(folder / PREDICTIONS, problem, scored, offset)
    device_models.set_int_custom_property("accepted", sum(score.accepted for score in scores))


def device_forms(trained: Path, fine_tuned: Path | None, names: tuple[str, ...]) -> dict[str | None, Path]:
    """The SavedModels that these recipes are made of: the trained device form, and one a technique.

    Raises:
        InputError: if a recipe needs a technique and nothing was fine-tuned.
    """
    found: dict[str | None, Path] = {None: trained / signatures.DEVICE_FORM}
    for name in names:
        technique = recipes.find(name).technique
        if technique is None:
            continue
        if fine_tuned is None:
            raise InputError(f"recipe '{name}' needs a model fine-tuned by '{technique}'. Received: none")
        found[technique] = fine_tuned / signatures.device_form(technique)
    return found


def _with_first(batches: Iterator[Rows], folder: Path) -> tuple[Rows, Iterator[Rows]]:
    """The first batch, and all batches."""
    first = next(batches, None)
    if first is None:
        raise InputError(f"split 'test': no rows in {folder}. Widen --span-window, or the split's share.")
    return first, chain([first], batches)


def write_predictions(path: Path, bound: BoundProblem, scored: Scored, offset: float) -> None:
    """The server model's test predictions per row, with split key and label, for whoever compares models.

    Both in the label's unit: the offset that `scored` is without is added.
    """
    table: dict[str, Any] = {bound.problem.label: less_offset(scored.labels, -offset)}
    if scored.keys is not None and bound.problem.split.key:
        table[bound.problem.split.key] = scored.keys
    server = less_offset(scored.scores[SERVER], -offset)
    table[signatures.prediction_column(bound.problem.task)] = server[:, 0] if server.shape[1] == 1 else list(server)
    parquet.write_table(pa.table(table), path)
