"""The scores that several models give one split, a batch of rows at a time."""

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from operator import call
from pathlib import Path

import numpy as np
import pyarrow as pa
import tensorflow as tf

from edge.runtime.litert_model import Array, Columns
from models.export.raw_rows import Rows
from schema import signatures
from schema.bound import BoundProblem

# The server model among the models that are scored; no recipe has the name.
SERVER = "server"

Scorer = Callable[[Columns], Array]


@dataclass(frozen=True)
class Scored:
    """A split without its features.

    Attributes:
        labels: [N]; of a regression less the label's offset.
        keys: split keys [N] if the problem has one.
        scores: float32 [N, outputs] by model; of a regression less the label's offset.
    """

    labels: Array
    keys: pa.ChunkedArray | None
    scores: dict[str, Array]


def server_scorer(saved_model: Path, bound: BoundProblem, offset: float) -> Scorer:
    """What gives the served model's scores of dense rows as device models give them: float32 [N, outputs].

    Args:
        saved_model: the folder of the served model.
        bound: the problem.
        offset: the label's, which is taken from the answers.
    """
    loaded = tf.saved_model.load(str(saved_model))
    key = signatures.prediction_key(bound.problem.task)

    def score(rows: Columns) -> Array:
        batch = {name: tf.constant(column) for name, column in rows.items()}
        answer = loaded.signatures[signatures.PREDICT_ROWS](**batch)[key]
        answers = np.asarray(tf.reshape(answer, [tf.shape(answer)[0], -1]))
        return less_offset(answers, offset).astype(np.float32)

    return score


def less_offset(values: Array, offset: float) -> Array:
    """Labels or answers in the label's unit, less the label's offset; the same array where it is 0."""
    return values.astype(np.float64) - offset if offset else values


def score_split(batches: Iterable[Rows], scorers: Mapping[str, Scorer], offset: float = 0.0) -> Scored:
    """Scores all rows by every scorer, a batch at a time; memory is that of a batch and of what Scored holds.

    The scorers share out the cores, so whoever measures one of them does so apart.

    Args:
        batches: the rows.
        scorers: by model's name.
        offset: the label's, which is taken from the labels; scorers answer without it.
    """
    labels: list[Array] = []
    keys: list[pa.Array] = []
    parts: dict[str, list[Array]] = {name: [] for name in scorers}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for rows in batches:
            labels.append(less_offset(rows.labels, offset))
            keys += [] if rows.keys is None else [pa.array(rows.keys)]
            for name, part in zip(scorers, pool.map(call, scorers.values(), repeat(rows.columns)), strict=True):
                parts[name].append(part)
    scores = {name: np.concatenate(part) for name, part in parts.items()}
    return Scored(np.concatenate(labels), pa.chunked_array(keys) if keys else None, scores)
