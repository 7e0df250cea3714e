"""A float32 .tflite model on its way to a device, and what recipes ask of TensorFlow's converter."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from edge.flatbuffer import constants, float_regions
from edge.flatbuffer.model_io import read
from edge.passes import calibration_ranges, per_channel_heuristic
from edge.passes.int16_output import integer_scores
from edge.runtime.litert_model import Columns
from schema.errors import InputError
from schema.signatures import SERVING_DEFAULT


def float32(saved_model: Path) -> bytes:
    """A device-form SavedModel with float32 weights, as bytes of a .tflite file; loads TensorFlow."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=[SERVING_DEFAULT])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return bytes(converter.convert())


class Source:
    """A float32 model, and what gives its calibration rows."""

    def __init__(self, content: bytes, calibration: Callable[[], Columns] | None = None) -> None:
        """Takes what `float32` gave, tidied or not.

        Args:
            content: bytes of a .tflite file whose tensors have names.
            calibration: gives training rows, one array [N] a feature.
        """
        self.float32 = content
        self._calibration = calibration

    def int8(self, by_channel: bool | None = None) -> bytes:
        """The model with int8 weights, embeddings and activations between the islands of float, and integer scores.

        It loads TensorFlow.

        Args:
            by_channel: whether each output of a dense layer has a scale of its own; None where that pays, see
                channels.pay.

        Raises:
            InputError: without calibration rows, or if they do not fit the signature.
        """
        from tensorflow.lite.python import convert

        model = read(self.float32)
        quantized = convert.mlir_quantize(
            self._annotated,
            denylisted_nodes=list(float_regions.float_nodes(model)),
            disable_per_channel_for_dense_layers=not (
                per_channel_heuristic.pay(model) if by_channel is None else by_channel
            ),
        )
        return constants.shrink_rest(integer_scores(bytes(quantized)))

    @cached_property
    def _annotated(self) -> bytes:
        if self._calibration is None:
            raise InputError("int8: calibration rows are needed. Received: None")
        return calibration_ranges.annotate(self.float32, calibration_ranges.observe(self.float32, self._calibration()))
