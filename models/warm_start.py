"""A model's weights by name, and its embeddings by term, from which a later training starts."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import tf_keras
from numpy.typing import NDArray

from models.encoding import FIRST_TERM_ID
from models.statistics import Statistics
from schema.errors import InputError

_LOG = logging.getLogger(__name__)
_TERMS = "terms"

Weights = dict[str, NDArray[np.generic]]


def save_weights(network: tf_keras.Model, path: Path, statistics: Statistics) -> None:
    """Writes the weights by name with the vocabularies, for a later training to start from."""
    path.parent.mkdir(parents=True, exist_ok=True)
    terms = {name: [term.hex() for term in found] for name, found in statistics.vocabularies.items()}
    arrays: dict[str, Any] = {variable.name: variable.numpy() for variable in network.weights}
    arrays[_TERMS] = np.frombuffer(json.dumps(terms).encode(), np.uint8)
    np.savez(path, **arrays)


class UnfitWeightsError(InputError):
    """Saved weights that cannot be read, or are none of this network's."""


def load_weights(network: tf_keras.Model, path: Path, statistics: Statistics) -> None:
    """Puts saved weights into the network. If they do not all fit it, warns why and leaves it as it is."""
    try:
        network.set_weights(saved_weights(network, path, statistics))
    except UnfitWeightsError as error:
        _LOG.warning("warm start: training starts afresh, since %s", error)
        return
    _LOG.info("warm start: training starts from %s", path)


def saved_weights(network: tf_keras.Model, path: Path, statistics: Statistics) -> list[NDArray[np.generic]]:
    """Saved weights in the order of the network's.

    A term keeps its vectors wherever it stands in the new vocabulary; one that is new there starts afresh.

    Raises:
        UnfitWeightsError: saying why, if they do not all fit.
    """
    try:
        with path.open("rb") as file, np.load(file) as saved:
            found: Weights = dict(saved)
            terms = json.loads(found.pop(_TERMS, np.frombuffer(b"{}", np.uint8)).tobytes())
    except (OSError, EOFError, ValueError, BadZipFile) as error:
        raise UnfitWeightsError(f"{path} is not readable: {error}") from None
    for feature, vocabulary in statistics.vocabularies.items():
        before = {bytes.fromhex(term): place for place, term in enumerate(terms.get(feature, []))}
        _move_terms(network, found, feature, before, vocabulary)
    misfits = _misfits(network, found)
    if misfits:
        raise UnfitWeightsError(f"{path} does not fit: {'; '.join(misfits)}")
    return [found[variable.name] for variable in network.weights]


def _move_terms(
    network: tf_keras.Model, found: Weights, feature: str, before: Mapping[bytes, int], now: tuple[bytes, ...]
) -> None:
    """Lays the rows of a feature's saved embeddings out by today's vocabulary."""
    for variable in network.weights:
        saved = found.get(variable.name)
        if not variable.name.endswith(f"_embedding_{feature}/embeddings:0") or saved is None:
            continue
        rows = variable.numpy()
        if saved.shape[1:] == rows.shape[1:] and len(saved) == len(before) + FIRST_TERM_ID:
            rows[:FIRST_TERM_ID] = saved[:FIRST_TERM_ID]
            known = [(place, before[term]) for place, term in enumerate(now) if term in before]
            for place, earlier in known:
                rows[place + FIRST_TERM_ID] = saved[earlier + FIRST_TERM_ID]
            found[variable.name] = rows


def _misfits(network: tf_keras.Model, found: Mapping[str, NDArray[np.generic]]) -> list[str]:
    expected = {variable.name: tuple(variable.shape) for variable in network.weights}
    shapes = {name: values.shape for name, values in found.items()}
    return [
        f"{name}: expected shape {expected.get(name, 'nothing')}. Received: {shapes.get(name, 'nothing')}"
        for name in sorted(expected | shapes)
        if expected.get(name) != shapes.get(name)
    ]
