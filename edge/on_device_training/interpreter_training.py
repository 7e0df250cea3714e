"""A .tflite file whose head learns where it runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.runtime.litert_model import Array, Columns, DeviceModel
from schema.errors import InputError
from schema.signatures import (
    BIAS,
    GET_HEAD,
    KERNEL,
    LABEL,
    LEARNING_RATE,
    LOSS,
    PREDICT,
    ROWS,
    SET_HEAD,
    TRAIN,
)

_SIGNATURES = (PREDICT, TRAIN, GET_HEAD, SET_HEAD)

# `kernel` [members, D, outputs] and `bias` [members, outputs], float32.
Head = Mapping[str, Array]


@dataclass(frozen=True)
class Step:
    """What a training step said.

    Attributes:
        loss: mean before the step over the rows that counted; 0 without one.
        rows: how many counted; a row with an unknown label does not.
    """

    loss: float
    rows: int


class LearningModel:
    """A loaded trainable model. Training changes what this object answers, and nothing of the file."""

    def __init__(self, model: Path | Any, threads: int = 1) -> None:
        """Loads the model, with the head that it was exported with.

        Args:
            model: a trainable .tflite file, or an Interpreter that has been set up already.
            threads: for the interpreter.

        Raises:
            InputError: if the file is absent, is no .tflite file, or lacks one of the signatures.
        """
        self._answers = DeviceModel(model, threads)
        known = self._answers.interpreter.get_signature_list()
        if not set(_SIGNATURES) <= set(known):
            raise InputError(f"expected the signatures {', '.join(_SIGNATURES)}. Received: {', '.join(known)}")
        self._shapes = {name: values.shape for name, values in self.head().items()}

    @property
    def inputs(self) -> dict[str, type]:
        """The NumPy scalar type of each feature by name: bytes_, int64 or float32."""
        return self._answers.inputs

    @property
    def learns_numbers(self) -> bool:
        """Whether labels are numbers in a unit, for a regression; else they are class numbers."""
        return self._runner(TRAIN).get_input_details()[LABEL]["dtype"] is np.float32

    def predict(self, columns: Columns, batch_rows: int = 512) -> Array:
        """Scores float32 [N, outputs] by the head as it is now; see DeviceModel.predict."""
        return self._answers.predict(columns, batch_rows)

    def train(self, columns: Columns, labels: Array, learning_rate: float) -> Step:
        """One step of gradient descent on the head, over all these rows at once.

        Args:
            columns: as predict takes them.
            labels: [N]; class numbers (integers), or numbers in the label's unit for a regression. A row whose label
                is no class number, or is not finite, does not count.
            learning_rate: 0 or more, and finite.

        Raises:
            InputError: as predict, or for labels of another kind or length, or for such a learning rate.
        """
        self._answers.check(columns)
        if not 0 <= learning_rate < np.inf:
            raise InputError(f"learning_rate: expected a finite number of 0 or more. Received: {learning_rate}")
        rows = len(next(iter(columns.values())))
        kinds, dtype = ("iuf", np.float32) if self.learns_numbers else ("iu", np.int64)
        if labels.dtype.kind not in kinds or labels.shape != (rows,):
            expected = "numbers" if self.learns_numbers else "class numbers (integers)"
            raise InputError(f"labels: expected {expected} [{rows}]. Received: {labels.dtype} {list(labels.shape)}")
        given = {**columns, LABEL: labels.astype(dtype), LEARNING_RATE: np.float32(learning_rate)}
        found = self._runner(TRAIN)(**given)
        return Step(float(found[LOSS]), int(found[ROWS]))

    def head(self) -> dict[str, Array]:
        """The head as it is now; see Head."""
        return {name: np.array(values) for name, values in self._runner(GET_HEAD)().items()}

    def set_head(self, head: Head) -> None:
        """Puts in a head that `head` of the same file gave.

        Raises:
            InputError: if its shapes or its types are others, or a number of it is not finite.
        """
        shapes = {name: values.shape for name, values in head.items()}
        if shapes != self._shapes:
            raise InputError(f"head: expected the shapes {self._shapes}. Received: {shapes}")
        for name, values in head.items():
            if values.dtype != np.float32 or not np.isfinite(values).all():
                raise InputError(f"head: expected finite float32 numbers in '{name}'. Received: {values.dtype}")
        self._runner(SET_HEAD)(**{KERNEL: head[KERNEL], BIAS: head[BIAS]})

    def _runner(self, signature: str) -> Any:
        # None is kept: an interpreter refuses to run by itself as long as someone else holds on to what runs it.
        return self._answers.interpreter.get_signature_runner(signature)
