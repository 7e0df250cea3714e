"""Rows that a training was given: counted by the step that learns from them, over all replicas and workers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
import tf_keras

from schema.errors import RowCountError
from schema.row_ledger import TRAINED, VALIDATED, RowCount

# The metric's name, in Keras's logs and TensorBoard's too.
ROWS = "rows"
_METRICS = (ROWS, f"val_{ROWS}")
_NOT_RUN = -1
FIX = (
    "A transformed shard is damaged, or rows of it were lost: run again with --from Transform --no-cache, and if the "
    "same numbers come again, remove the output folder's cache/spans first."
)
_CARDINALITY = "was expected to contain"


class RowsSeen(tf_keras.metrics.Metric):
    """The rows of an epoch or a validation, int64; a strategy adds up those of its replicas."""

    def __init__(self, name: str = ROWS, **options: Any) -> None:
        super().__init__(name=name, **options)
        self.seen = self.add_weight(name="seen", initializer="zeros", dtype=tf.int64)

    def update_state(self, labels: tf.Tensor, logits: tf.Tensor, sample_weight: tf.Tensor | None = None) -> Any:
        """Adds a batch of labels [N], or of a teacher's targets [N, classes]."""
        del logits, sample_weight
        return self.seen.assign_add(tf.shape(labels, tf.int64)[0])

    def result(self) -> tf.Tensor:
        """Rows since the beginning."""
        return tf.identity(self.seen)


class EpochRows(tf_keras.callbacks.Callback):
    """Keeps the rows of each epoch and its validation, those before a training was resumed included.

    They are in a variable, so that Backup, which stands after it, can save them.

    Args:
        epochs: that there are at most.
    """

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.rows = tf.Variable(tf.fill([2, epochs], tf.constant(_NOT_RUN, tf.int64)), trainable=False)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Notes what the metric has counted."""
        counted = [int((logs or {})[name]) for name in _METRICS]
        self.rows.assign(tf.tensor_scatter_nd_update(self.rows, [[0, epoch], [1, epoch]], counted))

    def history(self) -> dict[str, list[int]]:
        """The rows of each epoch that ran, by the metric's name in Keras's logs."""
        by_metric = zip(_METRICS, self.rows.numpy().tolist(), strict=True)
        return {name: [rows for rows in epochs if rows != _NOT_RUN] for name, epochs in by_metric}


@dataclass(frozen=True)
class DueRows:
    """Rows of both splits, and those of an epoch's whole batches: more than a split's where it is passed repeatedly."""

    training: int
    in_batches: int
    validation: int


def training_counts(history: Mapping[str, Sequence[float]], due: DueRows, of: str = "") -> list[RowCount]:
    """Rows that each epoch trained on and was validated on: those of an epoch that had others, else of the last.

    What whole batches leave over is not lost: the next epoch begins with it.

    Args:
        history: rows of each epoch, by the metric's name in Keras's logs.
        due: what the splits have.
        of: the technique of a fine-tuning.
    """
    left = due.training - due.in_batches
    dropped = {"left for the next epoch": left} if left > 0 else {}
    trained, validated = (
        _odd_one(history.get(name, ()), rows)
        for name, rows in zip(_METRICS, (due.in_batches, due.validation), strict=True)
    )
    return [
        RowCount(boundary, rows, expected, "in transformed Examples", split=split, of=of, dropped=left_out)
        for boundary, rows, expected, split, left_out in (
            (TRAINED, trained, max(due.training, due.in_batches), "train", dropped),
            (VALIDATED, validated, due.validation, "eval", {}),
        )
        if rows is not None
    ]


def _odd_one(epochs: Sequence[float], due: int) -> int | None:
    rows = [int(each) for each in epochs]
    return next((each for each in rows if each != due), rows[-1] if rows else None)


def require_rows(split: str, read: int, due: int) -> None:
    """Refuses a split of which other rows were read than it has.

    Raises:
        RowCountError: with both numbers.
    """
    if read != due:
        raise RowCountError(f"training: split '{split}': {read:,} rows read, expected {due:,}. {FIX}")


@contextmanager
def raising_row_counts() -> Iterator[None]:
    """Says of a stream of records that ended too early or too late what is wrong with it.

    Raises:
        RowCountError: in place of tf.data's own error, which has both numbers.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if _CARDINALITY not in error.message:
            raise
        told = error.message[error.message.index(_CARDINALITY) :].partition(".")[0]
        raise RowCountError(f"training: an epoch's rows of split 'train': the stream {told}. {FIX}") from error
