"""Which slices each row lies in, by TFMA's slice keys."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_model_analysis.proto import config_pb2

from evaluation.totals import Integers
from schema.errors import InputError

# As TFMA's: () is the whole; else (feature, value) pairs by the feature's name, the value a str, int or float.
SliceKey = tuple[tuple[str, Any], ...]


class RowSlices(NamedTuple):
    """Row `row[i]` lies in the slice `keys[place[i]]`; a row lies in several, or in none."""

    keys: list[SliceKey]
    row: Integers
    place: Integers


class _Coded(NamedTuple):
    """A column as `code` [rows] into `values`; -1 for a row without a value."""

    code: Integers
    values: list[Any]


def slice_features(specs: Iterable[config_pb2.SlicingSpec]) -> list[tuple[str, ...]]:
    """The distinct lists of features to slice by, each in the order of TFMA's keys."""
    return list(dict.fromkeys(tuple(sorted(set(spec.feature_keys))) for spec in specs)) or [()]


def row_slices(columns: Mapping[str, pa.Array], features: Iterable[tuple[str, ...]], rows: int) -> RowSlices:
    """The slices of a batch of `rows` rows, whose `columns` are list arrays of at most one value a row.

    A row that lacks one of a list's features lies in none of its slices.

    Raises:
        InputError: for a row with several values, and for text that is not UTF-8.
    """
    coded: dict[str, _Coded] = {}
    keys: list[SliceKey] = []
    parts: list[tuple[Integers, Integers]] = []
    for names in features:
        coded |= {name: _coded(name, columns[name]) for name in names if name not in coded}
        found = _crossed(names, [coded[name] for name in names], rows)
        parts.append((found.row, found.place + len(keys)))
        keys += found.keys
    return RowSlices(keys, np.concatenate([row for row, _ in parts]), np.concatenate([place for _, place in parts]))


def rows_without(columns: Mapping[str, pa.Array], features: Iterable[tuple[str, ...]], rows: int) -> Integers:
    """Of a batch of `rows` rows, how many lack one of each list's features, int64 [lists]; see `row_slices`.

    Counted by the columns alone, so that it can be held against the rows of the slices.
    """
    present = {
        name: pc.fill_null(pc.list_value_length(columns[name]), 0).to_numpy(zero_copy_only=False) > 0
        for names in features
        for name in names
    }
    whole = np.ones(rows, bool)
    counts = [
        rows - int(np.logical_and.reduce([whole, *(present[name] for name in names)]).sum()) for names in features
    ]
    return np.array(counts, np.int64)


class GrowingSlices:
    """The slices of batches that come one after the other; slices are numbered as they appear."""

    def __init__(self) -> None:
        self._numbers: dict[SliceKey, int] = {}
        self._parts: list[tuple[Integers, Integers]] = []
        self._rows = 0

    def add(self, found: RowSlices, rows: int) -> None:
        """Adds those of the next `rows` rows."""
        numbers = np.array([self._numbers.setdefault(key, len(self._numbers)) for key in found.keys], np.int64)
        self._parts.append((found.row + self._rows, numbers[found.place]))
        self._rows += rows

    def result(self) -> RowSlices:
        """Those of all rows."""
        empty = np.zeros(0, np.int64)
        row, place = zip(*self._parts, strict=True) if self._parts else ((empty,), (empty,))
        return RowSlices(list(self._numbers), np.concatenate(row), np.concatenate(place))


def _crossed(names: tuple[str, ...], columns: list[_Coded], rows: int) -> RowSlices:
    """The slices by one list of features."""
    if not names:
        return RowSlices([()], np.arange(rows), np.zeros(rows, np.int64))
    codes = np.stack([column.code for column in columns], axis=1)
    row = np.flatnonzero((codes >= 0).all(axis=1))
    distinct, place = np.unique(codes[row], axis=0, return_inverse=True)
    keys = [
        tuple((name, column.values[code]) for name, column, code in zip(names, columns, found, strict=True))
        for found in distinct.tolist()
    ]
    return RowSlices(keys, row, place.reshape(-1))


def _coded(name: str, column: pa.Array) -> _Coded:
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    several = int((lengths > 1).sum())
    if several:
        raise InputError(f"slice by '{name}': expected at most one value a row. Received: several in {several} rows")
    encoded = column.flatten().dictionary_encode()
    code = np.full(len(column), -1, np.int64)
    code[lengths == 1] = encoded.indices.to_numpy(zero_copy_only=False)
    return _Coded(code, [_value(name, value) for value in encoded.dictionary.to_pylist()])


def _value(name: str, value: Any) -> Any:
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise InputError(f"slice by '{name}': expected UTF-8 text. Received: {value!r}") from None
