"""Statistics of the training split from whole columns: mergeable, so that each shard is analysed once, anywhere."""

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tfx_bsl import sketches

from models.preprocessing.statistics import Statistics
from schema.bound import BoundProblem
from schema.errors import InputError
from schema.moments import NOTHING, merged_moments, moments
from schema.precision import label_offset
from schema.problem import Encoding, Task

# Of the rank of a quantile, as a share of one bucket; ten times finer than the buckets that are drawn from it.
_ERROR_OF_BUCKET = 0.1
# The sketch sizes itself for so many numbers at most.
_MOST_NUMBERS = 2**32
# A deviation below this share of the mean is what rounding in float64 leaves of a label that never varies.
_SMALLEST_DEVIATION = 2.0**-40
# Outside of it, answers in the label's unit would leave what float32 has digits for.
_SCALES = (1e-30, 1e30)


class Numbers:
    """Range and quantiles of one numeric feature; missing values and NaN do not count."""

    def __init__(self, buckets: int) -> None:
        self._buckets = buckets
        self._low, self._high = np.float32(np.inf), np.float32(-np.inf)
        self._sketch = sketches.QuantilesSketch(_ERROR_OF_BUCKET / buckets, _MOST_NUMBERS, 1)

    def add(self, values: pa.Array) -> None:
        """Takes the values of a batch, of any numeric type."""
        numbers = values.to_numpy(zero_copy_only=False).astype(np.float32)
        numbers = numbers[~np.isnan(numbers)]
        if numbers.size:
            self._low, self._high = min(self._low, numbers.min()), max(self._high, numbers.max())
            self._sketch.AddValues(pa.array(numbers))

    def merge(self, other: "Numbers") -> None:
        """Takes what another has seen."""
        self._low, self._high = min(self._low, other._low), max(self._high, other._high)
        self._sketch.Merge(other._sketch)

    def boundaries(self) -> tuple[float, ...]:
        """[minimum, quantiles.., maximum], ascending, buckets + 1 numbers; zeros if nothing was seen."""
        if self._low > self._high:
            return (0.0,) * (self._buckets + 1)
        quantiles = self._sketch.GetQuantiles(self._buckets).to_pylist()[0]
        inner = np.asarray(quantiles[1:-1], np.float32)
        return tuple(float(number) for number in [self._low, *inner, self._high])


class Moments:
    """Mean and variance of a label."""

    def __init__(self) -> None:
        self._seen = NOTHING

    def add(self, values: pa.Array) -> None:
        """Takes the values of a batch."""
        numbers = values.to_numpy(zero_copy_only=False).astype(np.float64)
        self._seen = merged_moments(self._seen, moments(numbers))

    def merge(self, other: "Moments") -> None:
        """Takes what another has seen."""
        self._seen = merged_moments(self._seen, other._seen)

    @property
    def constant(self) -> float | None:
        """The one value of all numbers; None if they vary, or there are none."""
        count, mean, squares = self._seen
        varies = not count or np.sqrt(squares / count) > _SMALLEST_DEVIATION * abs(mean)
        return None if varies else mean

    def mean_and_scale(self) -> tuple[float, float]:
        """Mean and standard deviation; 1 for the latter where the label never varies.

        Raises:
            InputError: if the deviation is so small or so large that float32 has no digits for answers in this unit.
        """
        count, mean, squares = self._seen
        deviation = float(np.sqrt(squares / count)) if count else 0.0
        if self.constant is not None or not count:
            return mean, 1.0
        if not _SCALES[0] <= deviation <= _SCALES[1]:
            raise InputError(
                f"problem.yaml: label: expected a standard deviation of {_SCALES[0]:g} to {_SCALES[1]:g}, in which "
                f"float32 has digits for answers. Received: {deviation:.3g}. Give the label in another unit"
            )
        return mean, deviation


class Analysis:
    """What the encodings of a problem have to know of the `rows` seen so far; see stored_analysis for its file."""

    def __init__(self, bound: BoundProblem) -> None:
        problem = bound.problem
        self.rows = 0
        self._label = problem.label if problem.task is Task.REGRESSION else None
        self._top_k = {name: problem.features[name].top_k for name in problem.of(Encoding.VOCABULARY)}
        self._terms: dict[str, Counter[bytes]] = {name: Counter() for name in self._top_k}
        self._numbers = {
            name: Numbers(buckets) for buckets, names in problem.quantile_groups().items() for name in names
        }
        self._moments = Moments()

    def add(self, batch: pa.RecordBatch) -> None:
        """Takes a batch of raw rows; each column is a list array [rows] of at most one value."""
        self.rows += batch.num_rows
        for name, counter in self._terms.items():
            counter.update(_counts(_values(batch, name)))
        for name, numbers in self._numbers.items():
            numbers.add(_values(batch, name))
        if self._label is not None:
            self._moments.add(_values(batch, self._label))

    def merge(self, other: "Analysis") -> None:
        """Takes what another analysis of the same problem has seen."""
        self.rows += other.rows
        for name, counter in self._terms.items():
            counter.update(other._terms[name])
        for name, numbers in self._numbers.items():
            numbers.merge(other._numbers[name])
        self._moments.merge(other._moments)

    def warnings(self) -> list[str]:
        """A sentence for what a model cannot learn from."""
        constant = self._moments.constant
        if constant is None:
            return []
        return [f"the label '{self._label}' is {constant:g} in all {self.rows:,} training rows: nothing can be learnt"]

    def statistics(self) -> Statistics:
        """What it comes to."""
        vocabularies = {name: _most_frequent(terms, self._top_k[name]) for name, terms in self._terms.items()}
        boundaries = {name: numbers.boundaries() for name, numbers in self._numbers.items()}
        mean, scale = self._moments.mean_and_scale() if self._label is not None else (0.0, 1.0)
        offset = label_offset(mean, scale) if self._label is not None else 0.0
        return Statistics(vocabularies, boundaries, mean, scale, offset)


def merged(bound: BoundProblem, parts: Iterable[Analysis]) -> Analysis:
    """All parts together; their order matters within the error of the quantiles' sketch."""
    whole = Analysis(bound)
    for part in parts:
        whole.merge(part)
    return whole


def _values(batch: pa.RecordBatch, name: str) -> pa.Array:
    return pc.list_flatten(batch.column(name))


def _counts(values: pa.Array) -> Mapping[bytes, int]:
    counted: Any = pc.value_counts(values)
    terms, counts = counted.field("values").to_pylist(), counted.field("counts").to_pylist()
    # The empty string means missing.
    return {term: count for term, count in zip(terms, counts, strict=True) if term}


def _most_frequent(terms: Counter[bytes], top_k: int) -> tuple[bytes, ...]:
    # Equal counts in the order in which TFT has them: the last of the alphabet first.
    kept = heapq.nlargest(top_k, terms.items(), key=lambda entry: (entry[1], entry[0]))
    return tuple(term for term, _ in kept)
