"""Which fold each row lies in: the groups that a jackknife leaves out one after the other."""

import hashlib
import zlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evaluation.rows import Batch
from evaluation.totals import Integers
from schema.errors import InputError

# As many as stock TFMA has (metrics_plots_and_validations_evaluator._DEFAULT_NUM_JACKKNIFE_BUCKETS).
FOLDS = 20

# The splits are dealt by sha256 too. Without a prefix of its own, a test split of 2 buckets in 10 would lie in 4 folds.
_PREFIX = b"fold\0"
# SplitMix64's constants (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014).
_STEP, _FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True)
class FoldRule:
    """Rows that share a value of the column `key` share a fold; without a key, each row is dealt by its place."""

    key: str | None

    def folds(self, batch: Batch, shard: str, first: int) -> Integers:
        """The fold [rows], from 0 to FOLDS - 1, of a batch whose first row is the `first` of the file called `shard`.

        It depends on nothing else, so neither on the size of batches nor on who reads which shard.

        Raises:
            InputError: for a row with no value of the key, or with several.
        """
        if self.key is None:
            return _by_place(shard, first, int(batch.serialized.shape[0]))
        return _by_value(self.key, batch.columns[self.key])


def _by_value(name: str, column: pa.Array) -> Integers:
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    wrong = int((lengths != 1).sum())
    if wrong:
        raise InputError(
            f"split key '{name}': expected one value a row, by which rows are grouped for confidence intervals. "
            f"Received: {wrong} of {len(column)} rows without"
        )
    encoded = column.flatten().dictionary_encode()
    values = [value if isinstance(value, bytes) else str(value).encode() for value in encoded.dictionary.to_pylist()]
    digests = (hashlib.sha256(_PREFIX + value).digest() for value in values)
    numbers = np.array([int.from_bytes(digest) % FOLDS for digest in digests], np.int64)
    found: Integers = numbers[encoded.indices.to_numpy(zero_copy_only=False)]
    return found


def _by_place(shard: str, first: int, rows: int) -> Integers:
    # A hash, since rows may come in a rhythm of their own.
    start = np.uint64(zlib.crc32(shard.encode()) << 32) + np.uint64(first)
    mixed = (start + np.arange(rows, dtype=np.uint64)) * _STEP
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    mixed ^= mixed >> np.uint64(31)
    return (mixed % np.uint64(FOLDS)).astype(np.int64)
