"""A model's weights by name, from which a later training starts."""

import logging
from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import tf_keras
from numpy.typing import NDArray

_LOG = logging.getLogger(__name__)


def save_weights(network: tf_keras.Model, path: Path) -> None:
    """Writes the weights by name, for a later training to start from."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{variable.name: variable.numpy() for variable in network.weights})


def load_weights(network: tf_keras.Model, path: Path) -> None:
    """Puts saved weights into the network. If they do not all fit it, warns why and leaves it as it is."""
    try:
        with path.open("rb") as file, np.load(file) as saved:
            found = dict(saved)
    except (OSError, EOFError, ValueError, BadZipFile) as error:
        _LOG.warning("warm start: training starts afresh, since %s is not readable: %s", path, error)
        return
    misfits = _misfits(network, found)
    if misfits:
        _LOG.warning("warm start: training starts afresh, since %s does not fit: %s", path, "; ".join(misfits))
        return
    network.set_weights([found[variable.name] for variable in network.weights])
    _LOG.info("warm start: training starts from %s", path)


def _misfits(network: tf_keras.Model, found: Mapping[str, NDArray[np.generic]]) -> list[str]:
    expected = {variable.name: tuple(variable.shape) for variable in network.weights}
    shapes = {name: values.shape for name, values in found.items()}
    return [
        f"{name}: expected shape {expected.get(name, 'nothing')}. Received: {shapes.get(name, 'nothing')}"
        for name in sorted(expected | shapes)
        if expected.get(name) != shapes.get(name)
    ]
