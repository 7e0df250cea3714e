"""A SavedModel on its way to a device: its float32 form, and what recipes ask of the converter."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from edge import islands, ranges
from edge.graph import read
from edge.integer_scores import integer_scores
from edge.runner import Columns
from schema.errors import InputError
from schema.signatures import SERVING_DEFAULT


class Source:
    """A device-form SavedModel, and what gives its calibration rows; TensorFlow loads at the first conversion."""

    def __init__(self, saved_model: Path, calibration: Callable[[], Columns] | None) -> None:
        self._saved_model = saved_model
        self._calibration = calibration

    @cached_property
    def float32(self) -> bytes:
        """The model with float32 weights, as bytes of a .tflite file."""
        import tensorflow as tf

        converter = tf.lite.TFLiteConverter.from_saved_model(str(self._saved_model), signature_keys=[SERVING_DEFAULT])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        return bytes(converter.convert())

    def int8(self) -> bytes:
        """The model with int8 weights, embeddings and activations between the islands of float, and integer scores.

        Raises:
            InputError: without calibration rows, or if they do not fit the signature.
        """
        if self._calibration is None:
            raise InputError("int8: calibration rows are needed. Received: None")
        from tensorflow.lite.python import convert

        annotated = ranges.annotate(self.float32, ranges.observe(self.float32, self._calibration()))
        quantized = bytes(
            convert.mlir_quantize(
                annotated,
                denylisted_nodes=list(islands.float_nodes(read(self.float32))),
                # Runtimes up to 2.9 give 0.5 for every row of a dense layer quantized by channel, without an error.
                disable_per_channel_for_dense_layers=True,
            )
        )
        return integer_scores(quantized)
