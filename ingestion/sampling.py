"""A sample that does not hang on the order of rows, the size of blocks or the runner."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_HASHES = 1 << 64
_MISSING = np.uint64(0x9E3779B97F4A7C15)
# Texts come again from batch to batch; as many as are remembered take a few megabytes.
_REMEMBERED = 1 << 16


@dataclass(frozen=True)
class Sample:
    """About `wanted` of `available` rows; all of them where there are no more."""

    wanted: int
    available: int
    seed: int

    def kept(self, table: pa.Table) -> NDArray[np.bool_]:
        """Mask [rows] of the rows whose hash, of the seed and all that the row says, falls into the sample's share.

        Equal rows are kept or left together. As many as are wanted are kept on average, with a standard deviation of
        less than the square root of that where no two rows are equal.
        """
        if self.wanted >= self.available:
            return np.ones(table.num_rows, np.bool_)
        mask: NDArray[np.bool_] = row_hashes(table, self.seed) < np.uint64(self.wanted * _HASHES // self.available)
        return mask


def row_hashes(table: pa.Table, seed: int) -> NDArray[np.uint64]:
    """A hash of each row's values, shape [rows]; columns are of string, int64 or float32."""
    hashes = np.full(table.num_rows, seed, np.uint64)
    for name in sorted(table.column_names):
        column = table[name]
        bits: NDArray[np.uint64] = np.where(column.is_valid().to_numpy(), _bits(column), _MISSING)
        hashes = _mixed(hashes ^ bits)
    return hashes


def _bits(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    """64 bits that stand for each value; those of a null mean nothing."""
    if pa.types.is_floating(column.type):
        return np.asarray(column.fill_null(0).to_numpy()).view(np.uint32).astype(np.uint64)
    if pa.types.is_integer(column.type):
        return np.asarray(column.fill_null(0).to_numpy()).view(np.uint64)
    codes: Any = pc.dictionary_encode(column.fill_null("")).combine_chunks()
    unique = np.array([_text_bits(text) for text in codes.dictionary.to_pylist()], np.uint64)
    return unique[codes.indices] if len(unique) else unique


@lru_cache(maxsize=_REMEMBERED)
def _text_bits(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The last step of SplitMix64 (Steele, Lea and Flood, 2014), after which each bit hangs on all; it wraps."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
