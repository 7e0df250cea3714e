"""Trainable files of tiny networks, one a task, and rows to train them on."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tf_keras

from edge.flatbuffer import model_io
from edge.on_device_training.trainable_worker import build
from edge.runtime.litert_model import Array
from models.export.trainable import TrainableModel, export_trainable
from models.network.network import build_network
from schema.problem import Task
from schema.signatures import TRAINABLE_FORM
from tests.models.training_case import STATISTICS, bound_problem

# A regression's label, in a unit in which 9 is the mean and 2 the standard deviation.
KNOWN = dataclasses.replace(STATISTICS, label_mean=9.0, label_scale=2.0)
OUTPUTS = {Task.BINARY: 1, Task.MULTICLASS: 3, Task.REGRESSION: 1}
MEMBERS, WIDTH = 2, 24


def model(task: Task) -> TrainableModel:
    """A model whose weights are drawn; its larger ones are worth shrinking."""
    tf_keras.utils.set_random_seed(5)
    bound = bound_problem(task, members=MEMBERS, hidden_units=(32, WIDTH))
    network = build_network(bound, KNOWN)
    draw = np.random.default_rng(3)
    network.set_weights([draw.normal(0, 0.3, weight.shape).astype(np.float32) for weight in network.get_weights()])
    return TrainableModel(bound, KNOWN, network)


def save(task: Task, folder: Path) -> Path:
    """The model's SavedModel; gives its folder."""
    assert export_trainable(model(task), folder)
    return folder / TRAINABLE_FORM


def write(task: Task, folder: Path) -> Path:
    """The model's file, its body in float32."""
    path = folder / f"{task}.tflite"
    path.write_bytes(build(save(task, folder), float16=False))
    return path


def rows(count: int, seed: int = 1) -> dict[str, Array]:
    """`count` raw rows, with missing and unseen values."""
    draw = np.random.default_rng(seed)
    distance = draw.uniform(0, 1000, count).astype(np.float32)
    distance[draw.random(count) < 0.1] = np.nan
    return {
        "carrier": draw.choice(np.array([b"AA", b"B6", b"DL", b"", b"never seen"], dtype=object), count),
        "hour": draw.integers(-1, 5, count).astype(np.int64),
        "distance": distance,
    }


def labels(task: Task, columns: dict[str, Array]) -> Array:
    """Labels that follow the carrier: AA is 1, the last class, or 3 more than the mean."""
    late = columns["carrier"] == b"AA"
    if task is Task.REGRESSION:
        return np.where(late, 12.0, 9.0)
    return np.where(late, 2 if task is Task.MULTICLASS else 1, 0).astype(np.int64)


def changed(path: Path, to: Path, change: Callable[[Any], None]) -> Path:
    """The file with a change of its flatbuffer."""
    content = model_io.read(path.read_bytes())
    change(content)
    to.write_bytes(model_io.write(content))
    return to


def without_assignments(content: Any, signature: bytes) -> None:
    """Takes the assignments to variables out of a signature."""
    place = next(entry.subgraphIndex for entry in content.signatureDefs if entry.signatureKey == signature)
    operators = content.subgraphs[place].operators
    operators[:] = [entry for entry in operators if model_io.operator(content, entry).name != "ASSIGN_VARIABLE"]
