"""Keras metrics that are the mean of a value a row."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import tf_keras

from evaluation.totals import Totals
from evaluation.vector_form import Cells, Scored, VectorForm, one_cell
from schema.errors import InputError


class KerasMeansForm(VectorForm):
    """Of the Keras metrics that TFMA updates together, such as SparseCategoricalAccuracy."""

    def __init__(self, combiner: Any) -> None:
        super().__init__(combiner)
        # Of a copy, since metrics hold variables and the form travels to the workers.
        for metric in _metrics(copy.copy(combiner)):
            if not isinstance(metric, tf_keras.metrics.MeanMetricWrapper):
                raise InputError(
                    f"expected Keras metrics that are the mean of a value a row. Received: {type(metric).__name__}"
                )

    def cells(self, rows: Scored) -> Cells:
        """Each metric's value, and one a row.

        Raises:
            InputError: for a label that is not the number of a class the model has a score for.
        """
        classes = rows.predictions.shape[1]
        unknown = int(((rows.labels < 0) | (rows.labels >= classes)).sum())
        if unknown:
            raise InputError(
                f"{rows.model}: expected labels from 0 to {classes - 1}, the classes the model knows. "
                f"Received: {unknown} of {len(rows.labels)} others"
            )
        labels = rows.labels.astype(np.float32)[:, np.newaxis]
        values = [metric._fn(labels, rows.predictions, **metric._fn_kwargs) for metric in _metrics(self.combiner)]
        return one_cell(*(np.asarray(value).reshape(len(labels)) for value in values), np.ones(len(labels)))

    def accumulator(self, totals: Totals) -> Any:
        """Each metric's total and count."""
        *sums, count = totals.sums[0].tolist()
        self.combiner.setup()
        accumulator = self.combiner.create_accumulator()
        for place, value in enumerate(sums):
            accumulator.add_weights(0, place, [np.float32(value), np.float32(count)])
        return accumulator

    def outputs(self, several: Sequence[Totals]) -> list[dict[Any, Any]]:
        """The quotients, in float32 as Keras has them; to ask a Keras metric takes a millisecond."""
        sums = np.stack([totals.sums[0] for totals in several]).astype(np.float32)
        with np.errstate(divide="ignore", invalid="ignore"):
            means = np.where(sums[:, -1:] == 0, np.float32(0), sums[:, :-1] / sums[:, -1:])
        names = list(self.output(several[0]))
        return [dict(zip(names, row, strict=True)) for row in means]


def _metrics(combiner: Any) -> list[Any]:
    combiner.setup()
    metrics: list[Any] = combiner._metrics[""]
    return metrics
