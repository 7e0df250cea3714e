"""TFMA's own evaluation, row by row, as stock TFX's Evaluator runs it: what our whole columns are checked against.

It costs about 37 microseconds per row, metric and slice and some seconds besides, so it is for a sample of rows.
"""

from pathlib import Path

import tensorflow_model_analysis as tfma
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.slicer import slicer_lib

from evaluation.scored_slices import Values, single_model_config
from evaluation.slices import SliceKey

# One worker in this process: no data channel on which elements could be lost.
_BEAM_ARGUMENTS = (
    "--runner=apache_beam.runners.portability.fn_api_runner.fn_runner.FnApiRunner",
    "--direct_running_mode=in_memory",
    "--direct_num_workers=1",
)


def official_metrics(
    model: Path, shard: Path, config: config_pb2.EvalConfig, schema: schema_pb2.Schema, output: Path
) -> dict[SliceKey, Values]:
    """The metrics by name, by slice, by TFMA's default extractors, evaluators and writers.

    Args:
        model: the folder of the SavedModel.
        shard: TFRecord file of tf.Examples, not compressed.
        config: TFMA's, of which the candidate is asked.
        schema: of the examples.
        output: folder for TFMA's files.

    Returns:
        What TFMA says, NaN, infinity and the 0 of an undefined area included.
    """
    alone = single_model_config(config)
    tfma.run_model_analysis(
        eval_shared_model=tfma.default_eval_shared_model(str(model), eval_config=alone),
        eval_config=alone,
        data_location=str(shard),
        output_path=str(output),
        pipeline_options=PipelineOptions(list(_BEAM_ARGUMENTS)),
        schema=schema,
    )
    return {
        slicer_lib.deserialize_slice_key(by_slice.slice_key): {
            entry.key.name: entry.value.double_value.value
            for entry in by_slice.metric_keys_and_values
            if entry.value.HasField("double_value")
        }
        for by_slice in tfma.load_metrics(str(output))
    }
