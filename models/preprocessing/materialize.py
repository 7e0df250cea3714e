"""Raw shards to transformed shards, whole batches at a time through the transform graph."""

from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
import tensorflow_transform as tft
from numpy.typing import NDArray
from tfx_bsl.coders import example_coder

from models.preprocessing.records import serialized_batches
from schema.errors import PipelineError
from schema.gzip_shards import damaged_shard

Columns = dict[str, NDArray[Any]]

_BATCH_ROWS = 8192
# Workers may be threads of one process; the second waits for what the first loads.
_LOADING = Lock()
_SPEED_OVER_SIZE = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)


def transform_shard(transform_graph: str, source: str, destination: str) -> int:
    """Writes the gzip TFRecord `destination` of transformed tf.Examples of `source`, in order; returns the rows.

    A TransformGraph artifact's folder is loaded once in a process, whatever the number of shards.

    Raises:
        DamagedFileError: naming the source, if it cannot be read.
        PipelineError: naming the column, the rows and the shard, if an encoded value is not finite.
    """
    with _LOADING:
        apply, encoder = _loaded(transform_graph)
    rows = 0
    Path(destination).parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(destination, _SPEED_OVER_SIZE) as writer:
        try:
            for batch in serialized_batches([Path(source)], _BATCH_ROWS):
                columns = {name: column.numpy() for name, column in apply(batch).items()}
                check_finite(columns, source, rows)
                for example in encoder.encode(_as_lists(columns)):
                    writer.write(example)
                    rows += 1
        except tf.errors.DataLossError as error:
            raise damaged_shard([Path(source)], error.message) from None
    return rows


@lru_cache(maxsize=1)
def _loaded(transform_graph: str) -> tuple[Any, Any]:
    output = tft.TFTransformOutput(transform_graph)
    raw_spec = output.raw_feature_spec()
    layer = output.transform_features_layer()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def apply(batch: tf.Tensor) -> dict[str, tf.Tensor]:
        transformed: dict[str, tf.Tensor] = layer(tf.io.parse_example(batch, raw_spec))
        return transformed

    return apply, example_coder.RecordBatchToExamplesEncoder(output.transformed_metadata.schema)


def check_finite(columns: Columns, source: str, first: int) -> None:
    """Refuses here what a training would only know as a loss that is no number.

    Args:
        columns: encoded, an array [N] by name.
        source: the shard they come from.
        first: rows of the shard before these.

    Raises:
        PipelineError: naming the column with a value that is not finite, and its rows.
    """
    for name, values in columns.items():
        wrong = np.flatnonzero(~np.isfinite(values))
        if wrong.size:
            raise PipelineError(
                f"column '{name}': expected finite encoded values. Received: {values[wrong[0]]} in {len(wrong):,} of "
                f"{len(values):,} rows, the first of them row {first + wrong[0] + 1:,} of {source}"
            )


def _as_lists(columns: Columns) -> pa.RecordBatch:
    offsets = pa.array(np.arange(len(next(iter(columns.values()))) + 1), pa.int32())
    return pa.RecordBatch.from_pydict(
        {name: pa.ListArray.from_arrays(offsets, pa.array(values)) for name, values in columns.items()}
    )
