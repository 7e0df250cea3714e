"""Which rows are golden: real ones, and those at the edges of what a model may be given."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from edge.forms.vocabulary import Vocabulary
from edge.runtime.litert_model import Array, Columns
from schema.errors import InputError

REAL_ROWS = 10

_NOT_ASCII = "é漢".encode()
_INT32 = np.iinfo(np.int32)


def choose(
    columns: Columns, vocabularies: Mapping[str, Vocabulary], domains: Mapping[str, tuple[int, int]]
) -> dict[str, Array]:
    """Ten real rows, evenly spread, or as many as there are, and six at the edges.

    The six: everything missing; unseen strings of a known one and a character, with integers past their domains;
    unseen strings that begin as the longest known one and are longer than what is packed of a string; unseen strings
    that are not ASCII; the smallest number of each feature; the largest.

    Args:
        columns: real rows, an array [N] for each feature: bytes, int64 or float32. Not chosen are rows that JSON or the
            forms cannot hold: bytes that are no UTF-8 or hold a zero byte, infinite numbers, integers past 32 bits.
        vocabularies: of every string feature.
        domains: the ends, both inclusive, of every integer feature; what is below them is missing.

    Returns:
        An array [10 + 6] for each feature.

    Raises:
        InputError: if a feature has no vocabulary or domain, or there is no row to choose.
    """
    for name, values in columns.items():
        needed = {"i": ("domain", domains), "f": ("", columns)}.get(values.dtype.kind, ("vocabulary", vocabularies))
        if name not in needed[1]:
            raise InputError(
                f"golden rows: feature '{name}' has no {needed[0]}. Received those of: {', '.join(needed[1]) or 'none'}"
            )
    fitting = {name: _fit(values) for name, values in columns.items()}
    fit = np.flatnonzero(np.logical_and.reduce(list(fitting.values())))
    if not fit.size:
        least = min(fitting, key=lambda name: int(fitting[name].sum()))
        raise InputError(
            "golden rows: expected a row of UTF-8 strings without zero bytes, finite numbers and integers of 32 bits. "
            f"Received: none in {len(columns[least]):,} rows; of feature '{least}' {int(fitting[least].sum()):,} fit"
        )
    spread = fit[np.unique(np.linspace(0, len(fit) - 1, REAL_ROWS).round().astype(int))]
    return {
        name: np.concatenate([values[spread], _edges(values[fit], vocabularies.get(name), domains.get(name))])
        for name, values in columns.items()
    }


def _fit(values: Array) -> Array:
    if values.dtype.kind == "f":
        return ~np.isinf(values)
    if values.dtype.kind == "i":
        return (values >= _INT32.min) & (values <= _INT32.max)
    return np.array([_is_text(value) for value in values], bool)


def _is_text(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in value


def _edges(values: Array, vocabulary: Vocabulary | None, domain: tuple[int, int] | None) -> Array:
    """The six values of one feature; where a row is about other features, the first real row's."""
    first: Any = values[0]
    if vocabulary is not None:
        terms = [term for term in vocabulary.terms if _is_text(term)]
        longest = max(terms, key=len, default=b"")
        beyond = longest + b"x" * (4 * vocabulary.words + 1 - len(longest))
        edges = [b"", _unseen((terms or [b""])[0] + b"?", vocabulary), beyond, _unseen(_NOT_ASCII, vocabulary)]
        return np.array([*edges, first, first], object)
    if domain is not None:
        low, high = domain
        return np.array([low - 1, high + 1, first, first, low, high], values.dtype)
    present = values[~np.isnan(values)]
    ends = [present.min(), present.max()] if present.size else [np.nan, np.nan]
    return np.array([np.nan, first, first, first, *ends], values.dtype)


def _unseen(string: bytes, vocabulary: Vocabulary) -> bytes:
    """The string, made longer while it is a known one."""
    while string in vocabulary.ids:
        string += b"?"
    return string
