"""Raw rows as the other forms take them."""

from collections.abc import Mapping

import numpy as np

from edge.forms.string_packing import pack
from edge.forms.vocabulary import Vocabulary
from edge.runtime.litert_model import Array, Columns
from schema.errors import InputError

_LIMITS = np.iinfo(np.int32)


def as_ids(columns: Columns, vocabularies: Mapping[str, Vocabulary]) -> dict[str, Array]:
    """Raw columns for an ids form.

    Args:
        columns: an array [N] for each input: bytes, int64 or float32.
        vocabularies: of each column of bytes.

    Returns:
        By input: int32 [N] ids, int32 [N] integers, float32 [N] numbers.

    Raises:
        InputError: naming a string column without a vocabulary, or an integer that int32 cannot hold.
    """
    return {
        name: _ids(values, _known(name, vocabularies)) if values.dtype.kind in "OS" else _number(name, values)
        for name, values in columns.items()
    }


def as_packed(columns: Columns, vocabularies: Mapping[str, Vocabulary]) -> dict[str, Array]:
    """Raw columns for a packed form: as as_ids, but for strings, int32 [N, W] words; see words.pack."""
    return {
        name: pack(list(values), _known(name, vocabularies).words)
        if values.dtype.kind in "OS"
        else _number(name, values)
        for name, values in columns.items()
    }


def _known(name: str, vocabularies: Mapping[str, Vocabulary]) -> Vocabulary:
    if name not in vocabularies:
        raise InputError(f"column '{name}': no vocabulary. Received those of: {', '.join(vocabularies) or 'none'}")
    return vocabularies[name]


def _ids(strings: Array, vocabulary: Vocabulary) -> Array:
    known = vocabulary.ids
    return np.array([known.get(string, vocabulary.unseen_id) for string in strings], np.int32)


def _number(name: str, values: Array) -> Array:
    if values.dtype.kind != "i":
        return values
    outside = values[(values < _LIMITS.min) | (values > _LIMITS.max)]
    if outside.size:
        raise InputError(
            f"column '{name}': expected integers of 32 bits, {_LIMITS.min} to {_LIMITS.max}. Received: {outside[0]}"
        )
    return values.astype(np.int32)
