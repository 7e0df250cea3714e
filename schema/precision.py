"""How much of what a column's numbers say is lost when they are rounded to float32, in which models compute."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from schema.errors import InputError
from schema.moments import merged_moments, moments
from schema.problem import Encoding, Problem, Task
from schema.rows import Column, Kind

# In the folder of a stored span, and of the Examples artifact that is laid from some.
FILE = "precision.json"

# What lies outside is not looked at: a few numbers that stand for "no limit" would make any step look small.
_MIDDLE = (0.01, 0.99)
# Steps of float32 that are larger than this share of the standard deviation are refused.
LARGEST_STEP = 0.01


@dataclass(frozen=True)
class Precision:
    """Moments of a column's numbers, in float64, and of what rounding to float32 moves them by; parts can be merged.

    Attributes:
        count: numbers looked at.
        mean: theirs.
        squares: sum of squared distances from the mean.
        moved: sum of squared distances from the nearest float32.
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    moved: float = 0.0

    @classmethod
    def of(cls, values: NDArray[Any]) -> Self:
        """The precision of numbers [N] of 64 bits; what is not finite in float32 does not count."""
        numbers = values.astype(np.float64)
        numbers = numbers[np.abs(numbers) <= np.finfo(np.float32).max]
        if not numbers.size:
            return cls()
        low, high = np.quantile(numbers, _MIDDLE, method="nearest")
        middle = numbers[(numbers >= low) & (numbers <= high)]
        moved = middle - middle.astype(np.float32)
        return cls(*moments(middle), float(np.square(moved).sum()))

    def merge(self, other: Self) -> Self:
        """Both together."""
        both = merged_moments((self.count, self.mean, self.squares), (other.count, other.mean, other.squares))
        return type(self)(*both, self.moved + other.moved)

    @property
    def deviation(self) -> float:
        """Standard deviation."""
        return math.sqrt(self.squares / self.count) if self.count else 0.0

    @property
    def step(self) -> float:
        """The distance between neighbouring float32 numbers where these are, as their rounding shows it."""
        # A number that falls anywhere between two is moved by a step over the root of 12, in the mean of squares.
        return math.sqrt(12.0 * self.moved / self.count) if self.count else 0.0

    def fault(self, key: str, column: str, remedy: str) -> str | None:
        """A sentence if float32 is too coarse for the column; None if it is not, or the column never varies.

        Args:
            key: of problem.yaml, which asks for the column.
            column: its name.
            remedy: what is to be done beside subtracting a number.
        """
        if self.step <= LARGEST_STEP * self.deviation or not self.deviation:
            return None
        return (
            f"problem.yaml: {key}: column '{column}' is too fine for float32, in which models compute. Expected steps "
            f"between its numbers of at most {LARGEST_STEP:g} of the column's standard deviation. Received: steps of "
            f"about {self.step:.3g} at its mean of {self.mean:.10g}, and a deviation of {self.deviation:.3g}. Subtract "
            f"a fixed number, such as {self.mean:.6g}, from the column in the files, {remedy}"
        )


def merged(parts: Iterable[Mapping[str, Precision]]) -> dict[str, Precision]:
    """The precision of each column over all parts."""
    whole: dict[str, Precision] = {}
    for part in parts:
        for name, precision in part.items():
            whole[name] = whole.get(name, Precision()).merge(precision)
    return whole


def label_offset(mean: float, deviation: float) -> float:
    """What models leave out of a regression's answers, so that float32 has digits for the rest.

    Args:
        mean: the label's.
        deviation: its standard deviation, above 0.

    Returns:
        A whole number in the label's unit near its mean; 0 where float32 tells the labels themselves apart.
    """
    step = float(np.spacing(np.float32(abs(mean))))
    return float(round(mean)) if step > LARGEST_STEP * deviation else 0.0


def check_precision(measured: Mapping[str, Precision], problem: Problem, columns: Mapping[str, Column]) -> None:
    """Refuses columns whose numbers float32 cannot tell apart: a model would learn from what is left of them.

    An integer label passes: Examples keep it to the last digit, and `label_offset` does the rest.

    Args:
        measured: by column, in the files, before the numbers became float32.
        problem: says which of them a model takes as numbers.
        columns: the schema's.

    Raises:
        InputError: with a sentence for each of them.
    """
    asked = {name: (f"features.{name}", "and at serving") for name in problem.of(Encoding.QUANTILES)}
    if problem.task is Task.REGRESSION and columns[problem.label].kind is not Kind.INTEGER:
        asked[problem.label] = ("label", "and add it to the model's answers; or give it as integers, as an INT column")
    faults = [measured[name].fault(key, name, remedy) for name, (key, remedy) in asked.items() if name in measured]
    sentences = [fault for fault in faults if fault]
    if sentences:
        raise InputError("\n".join(sentences))


def write_precision(folder: Path, columns: Mapping[str, Precision]) -> None:
    """Writes FILE into the folder."""
    content = {name: asdict(precision) for name, precision in columns.items()}
    (folder / FILE).write_text(json.dumps(content, indent=1), encoding="utf-8")


def read_precision(folder: Path) -> dict[str, Precision]:
    """What `write_precision` wrote; nothing where it wrote nothing, as of Examples that ExampleGen did not make."""
    path = folder / FILE
    if not path.is_file():
        return {}
    return {name: Precision(**entry) for name, entry in json.loads(path.read_text(encoding="utf-8")).items()}
