"""The only reader of transformed examples: TFRecord shards to shuffled, batched tensors."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from schema.bound import BoundProblem
from schema.errors import InputError
from schema.problem import Encoding, Task

_CACHE_SHARE_OF_MEMORY = 0.25
_INFLATION = 8  # serialized Examples as Python-side strings against their gzip size; measured about 6
_SHUFFLE_ROWS = 100_000
_COUNTED_ROWS = 4096
_WIDEN = "Widen --span-window, or the split's share in problem.yaml."


@dataclass(frozen=True)
class Source:
    """Shards of one split, gzip TFRecords of transformed tf.Examples."""

    files: tuple[Path, ...]

    @property
    def bytes(self) -> int:
        """Size on disk."""
        return sum(path.stat().st_size for path in self.files)

    @property
    def split(self) -> str:
        """Name of the split, by the folder that TFX lays it in."""
        return self.files[0].parent.name.removeprefix("Split-")

    def rows(self) -> int:
        """Number of examples, by reading them through.

        Raises:
            InputError: if there is none.
        """
        # By batches: a step for every row would take as long as half an epoch.
        sizes = self.records().batch(_COUNTED_ROWS).map(lambda batch: tf.size(batch, tf.int64))
        rows = int(sizes.reduce(tf.constant(0, tf.int64), lambda count, size: count + size))
        if not rows:
            raise InputError(f"split '{self.split}': no rows in {self.files[0].parent}. {_WIDEN}")
        return rows

    def records(self, pipelines: int = 1, index: int = 0) -> tf.data.Dataset:
        """Serialized examples of every `pipelines`-th row from `index`; shards are read side by side."""
        names = [str(path) for path in self.files]
        records = tf.data.Dataset.from_tensor_slices(names).interleave(
            lambda name: tf.data.TFRecordDataset(name, compression_type="GZIP", buffer_size=1 << 20),
            cycle_length=min(len(names), 16),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        return records.shard(pipelines, index) if pipelines > 1 else records


def training_source(patterns: Iterable[str]) -> Source:
    """The shards that match the patterns, which all lie in one split's folder.

    Raises:
        InputError: if there is none.
    """
    patterns = list(patterns)
    files = sorted(Path(name) for pattern in patterns for name in tf.io.gfile.glob(pattern))
    if not files:
        raise InputError(f"no examples in {', '.join(patterns)}. {_WIDEN}")
    return Source(tuple(files))


def feature_spec(bound: BoundProblem) -> dict[str, tf.io.FixedLenFeature]:
    """How to parse a transformed example: one value a feature, and the label."""
    problem = bound.problem
    spec = {
        name: tf.io.FixedLenFeature([], tf.float32 if f.encoding is Encoding.QUANTILES else tf.int64)
        for name, f in problem.features.items()
    }
    spec[problem.label] = tf.io.FixedLenFeature([], tf.float32 if problem.task is Task.REGRESSION else tf.int64)
    return spec


def make_dataset(
    source: Source,
    bound: BoundProblem,
    batch_size: int,
    *,
    training: bool,
    seed: int = 0,
    context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
    """Batches of ({feature: [B]}, label [B]).

    Training repeats without end, shuffled, and every batch is full (a static shape, which TPUs need); evaluation
    passes once, in order. With a `context` this worker gets its own share of the rows and of the global batch.
    """
    pipelines = context.num_input_pipelines if context else 1
    records = source.records(pipelines, context.input_pipeline_id if context else 0)
    if fits_in_memory(source):
        records = records.cache()
    if training:
        records = records.shuffle(_SHUFFLE_ROWS, seed=seed, reshuffle_each_iteration=True).repeat()
    size = context.get_per_replica_batch_size(batch_size) if context else batch_size
    batches = records.batch(size, drop_remainder=training)
    spec, label = feature_spec(bound), bound.problem.label

    def parse(serialized: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        # A whole batch at a time: the parser's cost is per call more than per row.
        columns = tf.io.parse_example(serialized, spec)
        return columns, columns.pop(label)

    return batches.map(parse, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def distribute(
    strategy: tf.distribute.Strategy,
    source: Source,
    bound: BoundProblem,
    batch_size: int,
    *,
    training: bool,
    seed: int = 0,
) -> tf.data.Dataset:
    """make_dataset for a strategy: each replica gets batches of its own share of `batch_size` rows."""
    if strategy.num_replicas_in_sync == 1 and not strategy.extended._in_multi_worker_mode():
        return make_dataset(source, bound, batch_size, training=training, seed=seed)
    return strategy.distribute_datasets_from_function(
        lambda context: make_dataset(source, bound, batch_size, training=training, seed=seed, context=context)
    )


def fits_in_memory(source: Source) -> bool:
    """Whether the decompressed split takes at most a quarter of the machine's memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return source.bytes * _INFLATION < memory * _CACHE_SHARE_OF_MEMORY
