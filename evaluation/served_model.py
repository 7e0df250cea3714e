"""A SavedModel's answers through the signatures that it is served by."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.proto import config_pb2

from evaluation.rows import Batch
from evaluation.vector_form import Scored
from schema.errors import InputError


@dataclass(frozen=True)
class ModelPlace:
    """Where a model lies and how it is asked; `title` is what messages call it, `name` what its metrics carry."""

    name: str
    title: str
    folder: Path
    signature: str
    prediction_key: str
    label: str
    # Signatures that turn raw rows into the label's class number; the last that answers with the label counts.
    preprocessing: tuple[str, ...] = ()

    @classmethod
    def of(cls, spec: config_pb2.ModelSpec, folder: Path) -> Self:
        """A model of TFMA's config, whose SavedModel lies in the folder."""
        return cls(
            name=spec.name,
            title=spec.name or constants.CANDIDATE_KEY,
            folder=folder,
            signature=spec.signature_name,
            prediction_key=spec.prediction_key,
            label=spec.label_key,
            preprocessing=tuple(spec.preprocessing_function_names),
        )


class ServedModel:
    """A loaded model."""

    def __init__(self, place: ModelPlace) -> None:
        self.place = place
        # The signatures are the module's for as long as it lives.
        self._module = tf.saved_model.load(str(place.folder))
        self._predict = self._signature(place.signature)
        self._preprocess = [self._signature(name) for name in place.preprocessing]

    def _signature(self, name: str) -> Any:
        signatures = self._module.signatures
        if name not in signatures:
            raise InputError(
                f"{self.place.title} in {self.place.folder}: expected a signature '{name}'. "
                f"Received: {sorted(signatures)}"
            )
        return signatures[name]

    def answer(self, batch: Batch) -> Scored:
        """Labels and predictions of a batch.

        Raises:
            InputError: if the model answers without the prediction, as one of another task does, or with one that is
                not finite, of which no metric could count every row; or if a label is missing or no number.
        """
        answered = self._predict(batch.serialized)
        if self.place.prediction_key not in answered:
            raise InputError(
                f"{self.place.title} in {self.place.folder}: expected an answer '{self.place.prediction_key}'. "
                f"Received: {sorted(answered)}. Is it a model of another task?"
            )
        predictions = answered[self.place.prediction_key].numpy()
        predictions = predictions.reshape(len(predictions), -1)
        self._check_finite(predictions)
        return Scored(self.place.title, self.labels(batch), predictions)

    def _check_finite(self, predictions: NDArray[Any]) -> None:
        broken = int((~np.isfinite(predictions)).any(axis=1).sum())
        if broken:
            raise InputError(
                f"{self.place.title} in {self.place.folder}: expected finite answers. "
                f"Received: {broken} of {len(predictions)} rows (read together) answered by NaN or infinity"
            )

    def labels(self, batch: Batch) -> NDArray[Any]:
        """The label [rows], as the model's preprocessing or else the row has it."""
        transformed: dict[str, Any] = {}
        for preprocess in self._preprocess:
            transformed |= preprocess(batch.serialized)
        if self.place.label in transformed:
            numbers: NDArray[Any] = transformed[self.place.label].numpy().reshape(-1)
            return numbers
        return raw_labels(self.place.label, batch.columns[self.place.label])


def raw_labels(name: str, column: pa.Array) -> NDArray[Any]:
    """The values [rows] of a list array with one number a row.

    Raises:
        InputError: for a row without a label or with several, and for a label that is text or not finite.
    """
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    wrong = int((lengths != 1).sum())
    if wrong:
        raise InputError(f"label '{name}': expected one value a row. Received: {wrong} of {len(column)} rows without")
    values: NDArray[Any] = column.flatten().to_numpy(zero_copy_only=False)
    if not np.issubdtype(values.dtype, np.number):
        raise InputError(f"label '{name}': expected a number, or a signature that makes one of it. Received: text")
    broken = int((~np.isfinite(values)).sum())
    if broken:
        raise InputError(
            f"label '{name}': expected finite numbers. Received: {broken} of {len(values)} rows with NaN or infinity"
        )
    return values
