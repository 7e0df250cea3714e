"""Raw shards to transformed shards, whole batches at a time through the transform graph."""

from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
import tensorflow_transform as tft
from tfx_bsl.coders import example_coder

from models.records import serialized_batches
from schema.gzip_shards import damaged_shard

_BATCH_ROWS = 8192
# Workers may be threads of one process; the second waits for what the first loads.
_LOADING = Lock()
_SPEED_OVER_SIZE = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)


def transform_shard(transform_graph: str, source: str, destination: str) -> int:
    """Writes the gzip TFRecord `destination` of transformed tf.Examples of `source`, in order; returns the rows.

    A TransformGraph artifact's folder is loaded once in a process, whatever the number of shards.

    Raises:
        DamagedFileError: naming the source, if it cannot be read.
    """
    with _LOADING:
        apply, encoder = _loaded(transform_graph)
    rows = 0
    Path(destination).parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(destination, _SPEED_OVER_SIZE) as writer:
        try:
            for batch in serialized_batches([Path(source)], _BATCH_ROWS):
                for example in encoder.encode(_as_lists(apply(batch))):
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


def _as_lists(columns: dict[str, tf.Tensor]) -> pa.RecordBatch:
    arrays = {name: column.numpy() for name, column in columns.items()}
    offsets = pa.array(np.arange(len(next(iter(arrays.values()))) + 1), pa.int32())
    return pa.RecordBatch.from_pydict(
        {name: pa.ListArray.from_arrays(offsets, pa.array(values)) for name, values in arrays.items()}
    )
