"""Gzip TFRecord shards through tf.data: a number of calls side by side that is given, and no thread that tunes it."""

import os
from collections.abc import Iterable
from pathlib import Path

import tensorflow as tf

# A worker a core; what they do is little beside the train step.
PARALLEL_CALLS = max(2, os.cpu_count() or 2)
PREFETCHED = 4
_COUNTED_ROWS = 4096


def steady(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The dataset without tf.data's tuner.

    The tuner looks again after 10 ms, 20 ms, 40 ms and so on up to a minute, and an iterator that ends often waits for
    its next look. After a minute of training that is up to half a minute in which nothing happens.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def serialized_batches(files: Iterable[Path], rows: int) -> tf.data.Dataset:
    """Serialized examples, string [at most `rows`], of the shards in order."""
    names = [str(path) for path in files]
    return steady(tf.data.TFRecordDataset(names, compression_type="GZIP").batch(rows).prefetch(1))


def count_rows(files: Iterable[Path]) -> int:
    """Rows of the shards, by reading them through side by side."""

    def rows_of(shard: tf.Tensor) -> tf.Tensor:
        # By batches: a step for every row would take as long as half an epoch.
        batches = tf.data.TFRecordDataset(shard, compression_type="GZIP").batch(_COUNTED_ROWS)
        return batches.reduce(tf.constant(0, tf.int64), lambda rows, batch: rows + tf.size(batch, tf.int64))

    names = tf.constant([str(path) for path in files], tf.string)
    shards = tf.data.Dataset.from_tensor_slices(names).map(rows_of, num_parallel_calls=PARALLEL_CALLS)
    return int(steady(shards).reduce(tf.constant(0, tf.int64), lambda rows, more: rows + more))
