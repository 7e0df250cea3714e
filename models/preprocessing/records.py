"""Gzip TFRecord shards through tf.data: a number of calls side by side that is given, and no thread that tunes it."""

import json
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import tensorflow as tf

# A worker a core; what they do is little beside the train step.
PARALLEL_CALLS = max(2, os.cpu_count() or 2)
PREFETCHED = 4
_COUNTED_ROWS = 4096
_SPLIT_ROWS = "rows.json"


def steady(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The dataset as it is written: without tf.data's tuner, and not rewritten.

    The tuner looks again after 10 ms, 20 ms, 40 ms and so on up to a minute, and an iterator that ends often waits for
    its next look. After a minute of training that is up to half a minute in which nothing happens. The rewriting gains
    nothing here, and holds a copy of every tensor that the dataset is made from: of all resident rows.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    return dataset.with_options(options)


def serialized_batches(files: Iterable[Path], rows: int) -> tf.data.Dataset:
    """Serialized examples, string [at most `rows`], of the shards in order."""
    names = [str(path) for path in files]
    return steady(tf.data.TFRecordDataset(names, compression_type="GZIP").batch(rows).prefetch(1))


def write_split_rows(artifact: Path, rows: Mapping[str, int]) -> None:
    """Writes beside the splits of an artifact how many rows each has, for whoever would count them."""
    (artifact / _SPLIT_ROWS).write_text(json.dumps(rows), encoding="utf-8")


def told_rows(files: Collection[Path]) -> int | None:
    """Rows of the shards, if they are a whole split and its rows are written beside it."""
    split = next(iter(files)).parent
    file = split.parent / _SPLIT_ROWS
    if not file.is_file() or set(files) != set(split.iterdir()):
        return None
    return int(json.loads(file.read_text(encoding="utf-8"))[split.name.removeprefix("Split-")])


def count_rows(files: Iterable[Path]) -> int:
    """Rows of the shards, by reading them through side by side."""

    def rows_of(shard: tf.Tensor) -> tf.Tensor:
        # By batches: a step for every row would take as long as half an epoch.
        batches = tf.data.TFRecordDataset(shard, compression_type="GZIP").batch(_COUNTED_ROWS)
        return batches.reduce(tf.constant(0, tf.int64), lambda rows, batch: rows + tf.size(batch, tf.int64))

    names = tf.constant([str(path) for path in files], tf.string)
    shards = tf.data.Dataset.from_tensor_slices(names).map(rows_of, num_parallel_calls=PARALLEL_CALLS)
    return int(steady(shards).reduce(tf.constant(0, tf.int64), lambda rows, more: rows + more))
