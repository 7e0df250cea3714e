"""The only reader of transformed examples: TFRecord shards to shuffled, batched tensors."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.data.row_counts import require_rows
from models.preprocessing.records import PARALLEL_CALLS, PREFETCHED, count_rows, steady, told_rows
from schema.bound import BoundProblem
from schema.errors import InputError
from schema.problem import Encoding, Task

# What a split may take in memory, as columns. Below it an epoch reads and parses nothing and mixes every row with every
# other; above it rows stream through a buffer, so that memory does not grow with the data. Fixed rather than a share of
# the machine's memory, so that a training is the same on every machine, and little beside TensorFlow's own 700 MB.
_RESIDENT_BYTES = 256 << 20
_SHUFFLE_ROWS = 100_000
_SHARDS_BESIDE = 16
_PARSED_ROWS = 4096
Spec = dict[str, tf.io.FixedLenFeature]
# A trained model: features [B] by name and labels [B] to what a training aims at, see models.training.distillation.
Teacher = Callable[[dict[str, tf.Tensor], tf.Tensor], tf.Tensor]

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
        """Number of examples: as Transform wrote it beside the split, else by reading them through once.

        Raises:
            InputError: if there is none.
        """
        if not self._rows:
            raise InputError(f"split '{self.split}': no rows in {self.files[0].parent}. {_WIDEN}")
        return self._rows

    @cached_property
    def _rows(self) -> int:
        told = told_rows(self.files)
        return count_rows(self.files) if told is None else told

    def records(self, pipelines: int = 1, index: int = 0) -> tf.data.Dataset:
        """Serialized examples of every `pipelines`-th row from `index`; shards are read side by side, in order."""
        return self._read(tf.data.Dataset.from_tensor_slices(self._names()), pipelines, index)

    def shuffled(
        self, seed: int, pipelines: int = 1, index: int = 0, begin: int = 0, least_buffer: int = 0
    ) -> tf.data.Dataset:
        """`records` without end, from the `begin`-th on; each epoch has an order of its own of shards and of rows.

        Args:
            seed: of the orders.
            pipelines: that share the rows.
            index: of this one among them.
            begin: the row to begin with, counted over all epochs.
            least_buffer: rows that are read ahead at least.
        """
        rows = len(range(index, self.rows(), pipelines))
        names = tf.constant(self._names())

        def epoch(number: tf.Tensor) -> tf.data.Dataset:
            # Shards too, since a buffer reaches from one span into the next and no further. Without state, so that
            # workers who share out the rows agree about their order.
            order = tf.gather(names, _permutation(len(self.files), seed, number))
            records = self._read(tf.data.Dataset.from_tensor_slices(order), pipelines, index)
            # A stream that ends before the split does would go on with the next epoch, and nobody would know.
            records = records.apply(tf.data.experimental.assert_cardinality(rows))
            return records.shuffle(max(_SHUFFLE_ROWS, least_buffer), seed=number + seed)

        return tf.data.Dataset.counter(begin // rows).flat_map(epoch).skip(begin % rows)

    def _names(self) -> list[str]:
        return [str(path) for path in self.files]

    def _read(self, names: tf.data.Dataset, pipelines: int, index: int) -> tf.data.Dataset:
        beside = min(len(self.files), _SHARDS_BESIDE)
        records = names.interleave(
            lambda name: tf.data.TFRecordDataset(name, compression_type="GZIP", buffer_size=1 << 20),
            cycle_length=beside,
            num_parallel_calls=min(beside, PARALLEL_CALLS),
            deterministic=True,
        )
        return records.shard(pipelines, index) if pipelines > 1 else records


def _permutation(size: int, seed: int, epoch: tf.Tensor) -> tf.Tensor:
    """The numbers below `size`, int32 [size], in the order of this epoch."""
    return tf.random.experimental.stateless_shuffle(tf.range(size), [tf.constant(seed, tf.int64), epoch])


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


def feature_spec(bound: BoundProblem) -> Spec:
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
    first_step: int = 0,
    context: tf.distribute.InputContext | None = None,
    teacher: Teacher | None = None,
) -> tf.data.Dataset:
    """Batches of ({feature: [B]}, label [B]).

    In training a `teacher` gives what stands in the label's place: targets [B] or, of several classes, [B, classes].

    Training repeats without end, shuffled, and every batch is full (a static shape, which TPUs need); evaluation
    passes once, in order. The order is a function of the seed alone, so that a training that goes on at `first_step`
    gets the batches that an unbroken one gets from there. With a `context` this worker gets its own share of the rows
    and of the global batch.
    """
    pipelines, index = (context.num_input_pipelines, context.input_pipeline_id) if context else (1, 0)
    size = context.get_per_replica_batch_size(batch_size) if context else batch_size
    begin = first_step * (batch_size // pipelines)
    spec, label = feature_spec(bound), bound.problem.label
    resident = fits_in_memory(source, spec)
    if not training:
        batches = _parsed(source.records(pipelines, index).batch(size), spec)
        batches = batches.cache() if resident else batches
    elif resident:
        own = len(range(index, source.rows(), pipelines))
        columns = _columns(source.records(pipelines, index), own, spec, source.split)
        if teacher:
            columns[label] = _taught(columns, spec, label, teacher)
        batches = _shuffled(columns, spec, size, seed, begin)
    else:
        # An epoch of whole batches ends less than a batch before the rows do. With more than that read ahead, their end
        # is reached within the first epoch, and it is noticed there if rows are missing.
        rows = source.shuffled(seed, pipelines, index, begin, least_buffer=2 * batch_size)
        batches = _parsed(rows.batch(size, drop_remainder=True), spec)
        if teacher:
            batches = batches.map(lambda columns: columns | {label: teacher(_without(columns, label), columns[label])})
    return steady(batches.map(lambda columns: (columns, columns.pop(label))).prefetch(PREFETCHED))


def _parsed(serialized: tf.data.Dataset, spec: Spec) -> tf.data.Dataset:
    # A whole batch at a time: the parser's cost is per call more than per row.
    return serialized.map(lambda batch: tf.io.parse_example(batch, spec), num_parallel_calls=PARALLEL_CALLS)


def _columns(records: tf.data.Dataset, rows: int, spec: Spec, split: str) -> dict[str, tf.Tensor]:
    """All the rows as a tensor [rows] a feature, in order, ids in 32 bits.

    Raises:
        RowCountError: if there are other rows than were counted when the split was written.
    """
    # Filled batch by batch: to join the batches at the end would take twice the memory.
    columns = {name: np.empty(rows, dtype.as_numpy_dtype) for name, dtype in _kept(spec).items()}
    first = 0
    for batch in steady(_parsed(records.batch(_PARSED_ROWS), spec)).as_numpy_iterator():
        last = first + len(batch[next(iter(spec))])
        if last <= rows:
            for name, column in columns.items():
                column[first:last] = batch[name]
        first = last
    require_rows(split, first, rows)
    return {name: tf.constant(columns.pop(name)) for name in spec}


def spread_columns(source: Source, bound: BoundProblem, most: int) -> dict[str, NDArray[Any]]:
    """At most `most` rows, evenly spread over the split: a column [N] per feature and of the label, ids in 32 bits."""
    step = math.ceil(source.rows() / most)
    rows = len(range(0, source.rows(), step))
    columns = _columns(source.records(step), rows, feature_spec(bound), source.split)
    return {name: column.numpy() for name, column in columns.items()}


def _taught(columns: Mapping[str, tf.Tensor], spec: Spec, label: str, teacher: Teacher) -> tf.Tensor:
    """The teacher's targets of all the rows, once: [rows], or of several classes [rows, classes]."""
    rows = _cast(columns, {name: feature.dtype for name, feature in spec.items()})
    targets = []
    for first in range(0, len(columns[label]), _PARSED_ROWS):
        part = {name: column[first : first + _PARSED_ROWS] for name, column in rows.items()}
        targets.append(teacher(_without(part, label), part[label]))
    return tf.concat(targets, 0)


def _without(columns: Mapping[str, tf.Tensor], label: str) -> dict[str, tf.Tensor]:
    return {name: column for name, column in columns.items() if name != label}


def _kept(spec: Spec) -> dict[str, tf.DType]:
    # Ids and classes count the rows of tables: half of the parser's 64 bits do.
    return {name: tf.int32 if feature.dtype == tf.int64 else feature.dtype for name, feature in spec.items()}


def _cast(columns: Mapping[str, tf.Tensor], dtypes: Mapping[str, tf.DType]) -> dict[str, tf.Tensor]:
    return {name: tf.cast(column, dtypes[name]) for name, column in columns.items()}


def _shuffled(columns: Mapping[str, tf.Tensor], spec: Spec, size: int, seed: int, begin: int) -> tf.data.Dataset:
    """Full batches of the rows without end, from row `begin` on; each epoch has each row once, in its own order."""
    rows = len(next(iter(columns.values())))
    places = tf.data.Dataset.counter(begin // rows).flat_map(
        lambda epoch: tf.data.Dataset.from_tensor_slices(_permutation(rows, seed, epoch))
    )
    # A teacher's targets take the label's place as they are.
    dtypes = {name: spec[name].dtype if column.dtype.is_integer else column.dtype for name, column in columns.items()}
    return (
        places.skip(begin % rows)
        .batch(size, drop_remainder=True)
        .map(
            lambda batch: _cast({name: tf.gather(column, batch) for name, column in columns.items()}, dtypes),
            num_parallel_calls=PARALLEL_CALLS,
        )
    )


def distribute(
    strategy: tf.distribute.Strategy,
    source: Source,
    bound: BoundProblem,
    batch_size: int,
    *,
    training: bool,
    seed: int = 0,
    first_step: int = 0,
    teacher: Teacher | None = None,
) -> tf.data.Dataset:
    """make_dataset for a strategy: each replica gets batches of its own share of `batch_size` rows."""
    make = partial(
        make_dataset, source, bound, batch_size, training=training, seed=seed, first_step=first_step, teacher=teacher
    )
    if strategy.num_replicas_in_sync == 1 and not strategy.extended._in_multi_worker_mode():
        return make()
    return strategy.distribute_datasets_from_function(lambda context: make(context=context))


class SharedInput:
    """`distribute` for several trainings on the same rows: they are read, parsed and seen by the teacher once."""

    def __init__(self, teacher: Teacher | None = None) -> None:
        self._teacher = teacher
        self._made: dict[tuple[object, ...], tf.data.Dataset] = {}

    def __call__(
        self,
        strategy: tf.distribute.Strategy,
        source: Source,
        bound: BoundProblem,
        batch_size: int,
        *,
        training: bool,
        seed: int = 0,
        first_step: int = 0,
    ) -> tf.data.Dataset:
        """See `distribute`; strategy and problem must be the same every time."""
        key = (source, batch_size, training, seed, first_step)
        if key not in self._made:
            self._made[key] = distribute(
                strategy,
                source,
                bound,
                batch_size,
                training=training,
                seed=seed,
                first_step=first_step,
                teacher=self._teacher,
            )
        return self._made[key]


def fits_in_memory(source: Source, spec: Spec) -> bool:
    """Whether the split is small enough to be kept in memory as columns."""
    row_bytes = sum(dtype.size for dtype in _kept(spec).values())
    return bool(source.rows() * row_bytes <= _RESIDENT_BYTES)
