"""What each row of a network's weights stands for, by value: so that another network finds its own among them."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.preprocessing.statistics import Statistics
from schema.bound import BoundProblem
from schema.problem import Encoding, Task

Keys = tuple[Hashable, ...]

# Ids that mean the same in every table; a term or a value never equals one of them.
_MISSING, _UNSEEN = ("missing",), ("unseen",)


@dataclass(frozen=True)
class Layout:
    """What a network's inputs and outputs stand for.

    encodings: encoding by feature, in the order of the network's inputs.
    values: of each categorical feature what its ids stand for, in order: terms or integers after the ids of their own.
    boundaries: of each quantiles feature.
    embedding_size, numeric_knots: widths of a category's and of a number's share of the first dense layer.
    outputs: what the outputs predict: task, label and classes.
    label_mean, label_scale: of a regression.
    """

    encodings: dict[str, str]
    values: dict[str, Keys]
    boundaries: dict[str, tuple[float, ...]]
    embedding_size: int
    numeric_knots: int
    outputs: tuple[str, str, tuple[str, ...]]
    label_mean: float
    label_scale: float

    def input_keys(self) -> Keys:
        """What each input of the first dense layer stands for, in order: of the categories, then of the numbers."""
        categories = [name for name, encoding in self.encodings.items() if encoding != Encoding.QUANTILES]
        width = self.embedding_size
        return (
            *((name, self.encodings[name], width, place) for name in categories for place in range(width)),
            *self.number_keys(),
        )

    def number_keys(self) -> Keys:
        """What each output of the numbers' basis stands for, in order; see models.network.network.HatBasis."""
        numbers = [name for name, encoding in self.encodings.items() if encoding == Encoding.QUANTILES]
        knots = self.numeric_knots
        return tuple((name, "quantiles", knots, place) for name in numbers for place in range(knots + 1))

    def axis_keys(self, tensor: str) -> tuple[int, Keys] | None:
        """The axis of a tensor that goes by value, and what its places stand for; None where there is none."""
        layer, _, weight = tensor.partition("/")
        _, _, feature = layer.partition("_embedding_")
        if feature:
            return 0, self.values.get(feature, ())
        axes = {
            ("deep_1", "kernel:0"): (0, self.input_keys()),
            ("deep_1", "scale:0"): (1, self.input_keys()),
            ("wide_numbers", "kernel:0"): (0, self.number_keys()),
        }
        return axes.get((layer, weight))

    def as_json(self) -> dict[str, Any]:
        """As JSON values; terms in hexadecimal digits, for they may be no text."""
        encoded = {name: [_encoded(value) for value in values] for name, values in self.values.items()}
        return {**vars(self), "values": encoded}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Layout":
        """What `as_json` gave.

        Raises:
            KeyError, TypeError, ValueError: if it is something else.
        """
        task, label, classes = values["outputs"]
        return cls(
            **{
                **values,
                "values": {name: tuple(_decoded(value) for value in keys) for name, keys in values["values"].items()},
                "boundaries": {name: tuple(numbers) for name, numbers in values["boundaries"].items()},
                "outputs": (task, label, tuple(classes)),
            }
        )


def is_output(tensor: str) -> bool:
    """Whether the last axis of a tensor stands for the network's outputs."""
    return tensor.startswith(("wide_", "head/"))


def layout_of(bound: BoundProblem, statistics: Statistics, numeric_knots: int) -> Layout:
    """The layout of the network that `models.network.network.build_network` makes."""
    problem = bound.problem
    values: dict[str, Keys] = {
        name: (_MISSING, *range(domain[0], domain[1] + 1)) for name, domain in bound.domains.items()
    }
    values |= {name: (_MISSING, _UNSEEN, *terms) for name, terms in statistics.vocabularies.items()}
    return Layout(
        encodings={name: str(feature.encoding) for name, feature in problem.features.items()},
        values={name: keys for name, keys in values.items() if name in problem.features},
        boundaries=dict(statistics.boundaries),
        embedding_size=problem.network.embedding_size,
        numeric_knots=numeric_knots,
        outputs=(str(problem.task), problem.label, tuple(problem.classes)),
        label_mean=statistics.label_mean if problem.task is Task.REGRESSION else 0.0,
        label_scale=statistics.label_scale if problem.task is Task.REGRESSION else 1.0,
    )


def rank_shift(before: tuple[float, ...], now: tuple[float, ...]) -> float:
    """How far apart the same values rank by two rows of boundaries, at most: 0 to 1."""
    shares = [np.linspace(0.0, 1.0, len(boundaries)) for boundaries in (before, now)]
    return float(np.abs(np.interp(before, now, shares[1]) - shares[0]).max())


def _encoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return list(value) if isinstance(value, tuple) else value


def _decoded(value: Any) -> Hashable:
    if isinstance(value, str):
        return bytes.fromhex(value)
    return tuple(value) if isinstance(value, list) else int(value)
