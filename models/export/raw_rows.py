"""Raw tf.Examples as dense columns, the form in which signatures and device models take rows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.export.export import parse_rows
from models.preprocessing.records import count_rows, serialized_batches
from schema.bound import BoundProblem
from schema.problem import Task
from schema.rows import Column, Kind

_BATCH_ROWS = 8192
# No column of a problem has such a name.
_LABEL, _KEY = "\0label", "\0key"


@dataclass(frozen=True)
class Rows:
    """Serialized examples [N], their dense feature columns [N], labels [N] and split keys [N].

    Labels are class numbers (int64) or values (float64); keys are None where the problem splits by row.
    """

    serialized: NDArray[np.object_]
    columns: dict[str, NDArray[np.generic]]
    labels: NDArray[np.generic]
    keys: NDArray[np.generic] | None

    def __len__(self) -> int:
        return len(self.labels)


def read_rows(files: list[Path], bound: BoundProblem, columns: Mapping[str, Column], limit: int | None = None) -> Rows:
    """The rows of gzip TFRecord shards, in order; with a limit, as many rows taken evenly from all of them.

    Memory is that of the rows that are kept.
    """
    keep = None if limit is None else _spread(files, limit)
    parts = list(row_batches(files, bound, columns, keep))
    if not parts:
        return Rows(np.empty(0, object), {}, np.empty(0), None)
    joined = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
    keys = [part.keys for part in parts if part.keys is not None]
    return Rows(
        np.concatenate([part.serialized for part in parts]),
        joined,
        np.concatenate([part.labels for part in parts]),
        np.concatenate(keys) if keys else None,
    )


def row_batches(
    files: list[Path], bound: BoundProblem, columns: Mapping[str, Column], keep: NDArray[np.int64] | None = None
) -> Iterator[Rows]:
    """The rows of gzip TFRecord shards, in order, up to 8,192 of one shard at a time; memory is that of a batch.

    A matrix product rounds by the rows that are multiplied at once, so a batch holds what Evaluator's holds.

    Args:
        files: the shards.
        bound: the problem.
        columns: the schema's columns by name.
        keep: ascending places, counted from 0, of the rows that are wanted; None for all.
    """
    parse = _parser(bound, columns)
    first = 0
    for batch in chain.from_iterable(serialized_batches([file], _BATCH_ROWS) for file in files):
        rows = int(tf.size(batch))
        kept = batch if keep is None else tf.gather(batch, keep[(keep >= first) & (keep < first + rows)] - first)
        first += rows
        found = {name: column.numpy() for name, column in parse(kept).items()}
        labels, keys = _class_numbers(found.pop(_LABEL), bound), found.pop(_KEY, None)
        yield Rows(kept.numpy(), found, labels, keys)


def _spread(files: list[Path], limit: int) -> NDArray[np.int64]:
    """Places of at most `limit` rows, evenly spread over all."""
    rows = count_rows(files)
    return np.unique(np.linspace(0, max(rows - 1, 0), min(limit, rows)).astype(np.int64))


def _parser(bound: BoundProblem, columns: Mapping[str, Column]) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Serialized examples [N] to features, label and, where the problem has one, split key, each [N]."""
    problem = bound.problem
    extra = {_LABEL: problem.label} | ({_KEY: problem.split.key} if problem.split.key else {})
    dtypes = {Kind.STRING: tf.string, Kind.INTEGER: tf.int64, Kind.NUMBER: tf.float32}
    spec = {name: tf.io.FixedLenFeature([], dtypes[columns[name].kind]) for name in extra.values()}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def parse(batch: tf.Tensor) -> dict[str, tf.Tensor]:
        others = tf.io.parse_example(batch, spec)
        return parse_rows(batch, bound, columns) | {key: others[name] for key, name in extra.items()}

    return parse  # type: ignore[no-any-return]


def _class_numbers(labels: NDArray[np.generic], bound: BoundProblem) -> NDArray[np.generic]:
    problem = bound.problem
    if problem.task is Task.REGRESSION:
        return labels.astype(np.float64)
    if not problem.classes:
        return labels.astype(np.int64)
    places = {name.encode(): place for place, name in enumerate(problem.classes)}
    return np.array([places.get(label, -1) for label in labels], np.int64)
