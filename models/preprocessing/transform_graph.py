"""A preprocessing_fn whose statistics are known, as the TransformGraph artifact that TFT's readers take."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import TFTransformOutput, impl_helper
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io, schema_utils

from models.preprocessing.statistics import FILE, Statistics
from schema.errors import InputError

PreprocessingFn = Callable[[Mapping[str, Any]], dict[str, tf.Tensor]]


def write_transform_graph(
    preprocessing_fn: PreprocessingFn, schema: schema_pb2.Schema, known: Statistics, folder: Path
) -> None:
    """Traces `preprocessing_fn` without looking at data; writes TFT's folders and `statistics.json`.

    Args:
        preprocessing_fn: a function of raw columns by name, with the statistics in it.
        schema: of the raw columns.
        known: the statistics that it was made with.
        folder: where the artifact is.

    Raises:
        InputError: if `preprocessing_fn` has analyzers of TFT, which would need a pass over the data.
    """
    metadata_io.write_metadata(
        dataset_metadata.DatasetMetadata(schema), str(folder / TFTransformOutput.RAW_METADATA_DIR)
    )
    features = schema_utils.schema_as_feature_spec(schema).feature_spec
    columns = impl_helper.get_type_specs_from_feature_specs(features)
    try:
        impl_helper.analyze_in_place(preprocessing_fn, False, features, columns, str(folder))
    except RuntimeError as error:
        raise InputError(
            f"preprocessing_fn: {error} Statistics of the data come from models.preprocessing.training_statistics: "
            "add what is new there."
        ) from error
    (folder / FILE).write_text(known.to_json(), encoding="utf-8")
