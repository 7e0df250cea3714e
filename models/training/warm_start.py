"""A model's weights with what they stand for, and how a later training takes them over by value."""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import tf_keras
from numpy.typing import NDArray

from models.network.network import knots
from models.network.weight_layout import Keys, Layout, is_output, layout_of, rank_shift
from models.preprocessing.statistics import Statistics
from schema.bound import BoundProblem
from schema.errors import InputError

_LOG = logging.getLogger(__name__)
_LAYOUT = "layout"
# Ranks of the same value that differ by less do so by the accident of which rows were drawn.
_TOLD_RANK_SHIFT = 0.05

Weights = dict[str, NDArray[np.generic]]


class UnfitWeightsError(InputError):
    """Saved weights that cannot be read, or that cannot be taken over as was asked for."""


@dataclass(frozen=True)
class Transfer:
    """What a training took over from an earlier model.

    tensors: that the network has.
    taken: how many of them start at saved values, in whole or in part.
    new: what starts afresh because the earlier model did not have it, or what this one no longer has.
    lost: what both models have and could not be taken over, each with the reason.
    shifted: what was taken over and has not quite the same meaning.
    """

    tensors: int
    taken: int
    new: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    shifted: tuple[str, ...] = ()

    def __str__(self) -> str:
        begin = f"{self.taken} of {self.tensors} tensors taken over"
        return "; ".join([begin, *self.lost, *self.new, *self.shifted])


def save_weights(network: tf_keras.Model, path: Path, bound: BoundProblem, statistics: Statistics) -> None:
    """Writes the weights by name with what they stand for, for a later training to start from."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {variable.name: variable.numpy() for variable in network.weights}
    layout = layout_of(bound, statistics, knots(network)).as_json()
    arrays[_LAYOUT] = np.frombuffer(json.dumps(layout).encode(), np.uint8)
    np.savez(path, **arrays)


def load_weights(
    network: tf_keras.Model, path: Path, bound: BoundProblem, statistics: Statistics, *, required: bool = False
) -> Transfer:
    """Puts saved weights into the network wherever they stand for the same; what is left keeps its fresh values.

    With `required`, all that both networks have must be taken over. What is new in the data or among the features
    cannot be, and is no fault.

    Raises:
        UnfitWeightsError: if it is required and not all of it could be.
    """
    try:
        weights, transfer = transferred(network, path, bound, statistics)
    except UnfitWeightsError as error:
        if required:
            raise
        transfer = nothing_taken(len(network.weights), str(error))
    else:
        if required and transfer.lost:
            raise UnfitWeightsError(f"{path}: {'; '.join(transfer.lost)}")
        network.set_weights(weights)
    _LOG.info("warm start from %s: %s", path, transfer)
    return transfer


def nothing_taken(tensors: int, why: str) -> Transfer:
    """The transfer of a training that starts afresh although it was to start from another model."""
    return Transfer(tensors, 0, lost=(why,))


def saved_weights(
    network: tf_keras.Model, path: Path, bound: BoundProblem, statistics: Statistics
) -> list[NDArray[np.generic]]:
    """Saved weights of this very network, in its order.

    Raises:
        UnfitWeightsError: if they are those of another.
    """
    weights, transfer = transferred(network, path, bound, statistics)
    if transfer.lost or transfer.new:
        raise UnfitWeightsError(f"{path} does not fit: {'; '.join([*transfer.lost, *transfer.new])}")
    return weights


def transferred(
    network: tf_keras.Model, path: Path, bound: BoundProblem, statistics: Statistics
) -> tuple[list[NDArray[np.generic]], Transfer]:
    """The network's weights, in its order, with saved ones in place of those that stand for the same.

    Rows of a table go by term or integer, and rows of the first dense layer by feature. Ranks are taken over as they
    are: a rank is a value's place among the training split's, so that it means the same after a change of unit or of
    level, which a value does not. A regression's outputs are brought to today's mean and scale of the label.

    Raises:
        UnfitWeightsError: if the file cannot be read, or does not say what its weights stand for.
    """
    found, before = _read(path)
    now = layout_of(bound, statistics, knots(network))
    found = _in_todays_unit(found, before, now)
    weights: list[NDArray[np.generic]] = []
    taken, lost = 0, list(_changed(before, now))
    for variable in network.weights:
        values, why = _moved(variable.name, variable.numpy(), found.get(variable.name), before, now)
        weights.append(variable.numpy() if values is None else values)
        taken += values is not None
        lost += [why] if why else []
    shifted = _shifted(before, now)
    return weights, Transfer(len(weights), taken, tuple(_new(before, now)), tuple(lost), shifted)


def _read(path: Path) -> tuple[Weights, Layout]:
    try:
        with path.open("rb") as file, np.load(file) as saved:
            found: Weights = dict(saved)
    except (OSError, EOFError, ValueError, BadZipFile) as error:
        raise UnfitWeightsError(f"{path} is not readable: {error}") from None
    if _LAYOUT not in found:
        raise UnfitWeightsError(f"{path} was written by an earlier version, which did not say what its rows stand for")
    try:
        return found, Layout.from_json(json.loads(found.pop(_LAYOUT).tobytes()))
    except (KeyError, TypeError, ValueError) as error:
        raise UnfitWeightsError(f"{path} is not readable: its '{_LAYOUT}' is damaged: {error}") from None


def _moved(
    name: str, fresh: NDArray[np.generic], saved: NDArray[np.generic] | None, before: Layout, now: Layout
) -> tuple[NDArray[np.generic] | None, str | None]:
    """The tensor with saved values where they stand for the same, None if there are none; and what was lost, if any."""
    by_value = now.axis_keys(name)
    if saved is None or (is_output(name) and before.outputs != now.outputs) or _is_other(name, before, now):
        # What is new, or has another meaning: said once for the feature or the outputs.
        known = by_value is not None or is_output(name)
        return None, None if known else f"{name}: the earlier model has none"
    if by_value is None:
        if saved.shape == fresh.shape:
            return saved, None
        return None, _other_shape(name, saved.shape, fresh.shape)
    axis, keys = by_value
    former = before.axis_keys(name)
    rest = [tuple(np.delete(array.shape, axis)) for array in (saved, fresh)]
    if rest[0] != rest[1] or former is None or saved.shape[axis] != len(former[1]):
        return None, _other_shape(name, saved.shape, fresh.shape)
    return _by_value(fresh, saved, axis, keys, former[1]), None


def _by_value(
    fresh: NDArray[np.generic], saved: NDArray[np.generic], axis: int, keys: Keys, former: Keys
) -> NDArray[np.generic] | None:
    places = {key: place for place, key in enumerate(former)}
    pairs = [(place, places[key]) for place, key in enumerate(keys) if key in places]
    if not pairs:
        return None
    moved = np.moveaxis(fresh.copy(), axis, 0)
    to, origin = (list(side) for side in zip(*pairs, strict=True))
    moved[to] = np.moveaxis(saved, axis, 0)[origin]
    return np.moveaxis(moved, 0, axis)


def _is_other(name: str, before: Layout, now: Layout) -> bool:
    """Whether a tensor is the table of a feature that was encoded otherwise."""
    feature = name.partition("/")[0].partition("_embedding_")[2]
    return bool(feature) and before.encodings.get(feature) != now.encodings.get(feature)


def _other_shape(name: str, saved: tuple[int, ...], fresh: tuple[int, ...]) -> str:
    return f"{name}: expected shape {fresh}. Received: {saved}"


def _changed(before: Layout, now: Layout) -> Iterator[str]:
    """What both models have in another sense."""
    for name, encoding in now.encodings.items():
        if before.encodings.get(name, encoding) != encoding:
            yield f"feature '{name}': encoding {before.encodings[name]} became {encoding}"
    if before.outputs != now.outputs:
        yield f"outputs: {_outputs(before)} became {_outputs(now)}"
    if before.numeric_knots != now.numeric_knots and before.number_keys() and now.number_keys():
        yield f"network.numeric_knots: {before.numeric_knots} became {now.numeric_knots}"


def _outputs(layout: Layout) -> str:
    task, label, classes = layout.outputs
    return f"{task} '{label}'" + (f" of {', '.join(classes)}" if classes else "")


def _new(before: Layout, now: Layout) -> Iterator[str]:
    for name in now.encodings:
        if name not in before.encodings:
            yield f"feature '{name}' is new"
    for name in before.encodings:
        if name not in now.encodings:
            yield f"feature '{name}' is gone"
    for name, values in now.values.items():
        if before.encodings.get(name) == now.encodings[name]:
            fresh = len(set(values) - set(before.values.get(name, ())))
            if fresh:
                yield f"feature '{name}': {fresh} of {len(values)} ids are new"


def _shifted(before: Layout, now: Layout) -> tuple[str, ...]:
    shifts = {
        name: rank_shift(before.boundaries[name], boundaries)
        for name, boundaries in now.boundaries.items()
        if name in before.boundaries
    }
    return tuple(
        f"feature '{name}': the same values rank up to {shift:.2f} apart from before; ranks were taken over"
        for name, shift in shifts.items()
        if shift > _TOLD_RANK_SHIFT
    )


def _in_todays_unit(found: Mapping[str, NDArray[Any]], before: Layout, now: Layout) -> Weights:
    """A regression's outputs, in standard deviations from the label's mean, for today's mean and deviation."""
    ratio, shift = before.label_scale / now.label_scale, (before.label_mean - now.label_mean) / now.label_scale
    if (ratio, shift) == (1.0, 0.0) or before.outputs != now.outputs:
        return dict(found)
    moved = {
        name: (values * ratio).astype(values.dtype) if is_output(name) else values for name, values in found.items()
    }
    bias = moved.get("head/bias:0")
    return moved if bias is None else {**moved, "head/bias:0": (bias + shift).astype(bias.dtype)}
