"""What the vector form of a TFMA metric is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evaluation.totals import Floats, Integers, Totals
from schema.errors import InputError

# Cells of a form lie in [0, CELLS); a slice's number times CELLS plus a cell is a key of the totals.
CELLS = 1 << 33


class Scored(NamedTuple):
    """Rows with one model's answers.

    Attributes:
        model: what messages call it.
        labels: [rows], in their own dtype.
        predictions: [rows, outputs]; float32, or float64 of a regression whose label float32 cannot tell apart.
    """

    model: str
    labels: NDArray[Any]
    predictions: NDArray[np.floating[Any]]


class Cells(NamedTuple):
    """Where each row counts, `cell` [rows] below CELLS, and what is summed there, `values` [rows, values]."""

    cell: Integers
    values: Floats


class VectorForm(ABC):
    """One of TFMA's combiners, which adds rows one at a time in Python, as sums of whole columns.

    A form reads the settings of the combiner, sums in float64 as the combiner does, and hands the sums back as the
    combiner's own accumulator, so that what comes of them is TFMA's.
    """

    def __init__(self, combiner: Any) -> None:
        self.combiner = combiner

    @abstractmethod
    def cells(self, rows: Scored) -> Cells:
        """What the rows add to which cells."""

    @abstractmethod
    def accumulator(self, totals: Totals) -> Any:
        """The combiner's accumulator for one slice, of the totals by cell."""

    def output(self, totals: Totals) -> dict[Any, Any]:
        """TFMA's result for one slice, by metric key."""
        result: dict[Any, Any] = self.combiner.extract_output(self.accumulator(totals))
        return result

    def outputs(self, several: Sequence[Totals]) -> list[dict[Any, Any]]:
        """As output, of each of several totals; where TFMA is slow a form does them together."""
        return [self.output(totals) for totals in several]


def one_cell(*columns: NDArray[Any]) -> Cells:
    """Cells of a form that sums columns [rows] and nothing else."""
    values = np.stack([np.asarray(column, np.float64) for column in columns], axis=1)
    return Cells(np.zeros(len(values), np.int64), values)


def scores(rows: Scored) -> NDArray[np.floating[Any]]:
    """The one score a row, [rows].

    Raises:
        InputError: if the model gives several.
    """
    if rows.predictions.shape[1] != 1:
        raise InputError(
            f"{rows.model}: expected one score a row for a metric of a binary or regression problem. "
            f"Received: {rows.predictions.shape[1]} a row"
        )
    return rows.predictions[:, 0]


def check_share(rows: Scored) -> None:
    """Refuses labels that are no shares of a positive class.

    Raises:
        InputError: with the first such label.
    """
    wrong = rows.labels[~((rows.labels >= 0) & (rows.labels <= 1))]
    if len(wrong):
        raise InputError(f"expected labels from 0 to 1 for a binary metric. Received: {wrong[0]} ({len(wrong)} rows)")


def check_settings(combiner: Any, **expected: Any) -> None:
    """Refuses a combiner with settings that its vector form does not have.

    Raises:
        InputError: naming the setting.
    """
    for name, value in expected.items():
        given = getattr(combiner, f"_{name}")
        if given != value:
            raise InputError(
                f"{type(combiner).__name__.strip('_')} is evaluated in vectors with {name} {value!r}. "
                f"Received: {given!r}"
            )
