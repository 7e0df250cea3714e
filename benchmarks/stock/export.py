"""The trained model with the two signatures that TFX's template exports, both of raw tf.Examples."""

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

from models.export.export import RowModel, parse_rows
from schema import signatures
from schema.rows import Column


def export(model: RowModel, columns: Mapping[str, Column], folder: Path) -> None:
    """Writes the SavedModel into `folder`."""
    served = {
        signatures.SERVING_DEFAULT: lambda text: model.answer(parse_rows(text, model.bound, columns)),
        signatures.TRANSFORM_FEATURES: lambda text: model.encode(parse_rows(text, model.bound, columns)),
    }
    text = tf.TensorSpec([None], tf.string, signatures.EXAMPLES)
    concrete = {name: tf.function(answer).get_concrete_function(text) for name, answer in served.items()}
    tf.saved_model.save(model, str(folder), signatures=concrete)
