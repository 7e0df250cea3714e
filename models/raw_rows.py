"""Raw tf.Examples as dense columns, the form in which signatures and device models take rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.export import parse_rows
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
    parts = list(_parts(files, bound, columns, keep))
    if not parts:
        return Rows(np.empty(0, object), {}, np.empty(0), None)
    serialized = np.concatenate([part[0] for part in parts])
    joined = {name: np.concatenate([part[1][name] for part in parts]) for name in parts[0][1]}
    keys = joined.pop(_KEY, None)
    labels = joined.pop(_LABEL)
    return Rows(serialized, joined, labels, keys)


def _records(files: list[Path]) -> tf.data.Dataset:
    return tf.data.TFRecordDataset([str(path) for path in files], compression_type="GZIP").batch(_BATCH_ROWS)


def _spread(files: list[Path], limit: int) -> NDArray[np.int64]:
    """Places of at most `limit` rows, evenly spread over all."""
    rows = sum(int(tf.size(batch)) for batch in _records(files))
    return np.unique(np.linspace(0, max(rows - 1, 0), min(limit, rows)).astype(np.int64))


def _parts(
    files: list[Path], bound: BoundProblem, columns: Mapping[str, Column], keep: NDArray[np.int64] | None
) -> Iterator[tuple[NDArray[np.object_], dict[str, NDArray[np.generic]]]]:
    problem = bound.problem
    extra = {_LABEL: problem.label} | ({_KEY: problem.split.key} if problem.split.key else {})
    dtypes = {Kind.STRING: tf.string, Kind.INTEGER: tf.int64, Kind.NUMBER: tf.float32}
    spec = {name: tf.io.FixedLenFeature([], dtypes[columns[name].kind]) for name in extra.values()}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def parse(batch: tf.Tensor) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        return parse_rows(batch, bound, columns), tf.io.parse_example(batch, spec)

    first = 0
    for batch in _records(files):
        rows = int(tf.size(batch))
        kept = batch if keep is None else tf.gather(batch, keep[(keep >= first) & (keep < first + rows)] - first)
        first += rows
        features, others = parse(kept)
        found = {name: column.numpy() for name, column in features.items()}
        found |= {key: others[name].numpy() for key, name in extra.items()}
        found[_LABEL] = _class_numbers(found[_LABEL], bound)
        yield kept.numpy(), found


def _class_numbers(labels: NDArray[np.generic], bound: BoundProblem) -> NDArray[np.generic]:
    problem = bound.problem
    if problem.task is Task.REGRESSION:
        return labels.astype(np.float64)
    if not problem.classes:
        return labels.astype(np.int64)
    places = {name.encode(): place for place, name in enumerate(problem.classes)}
    return np.array([places.get(label, -1) for label in labels], np.int64)
