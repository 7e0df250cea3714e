"""The child process that converts a trainable form: `python -m edge.on_device_training.trainable_worker`.

See edge.convert.conversion_worker for why it is a process.
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge.flatbuffer import model_io, subgraphs
from edge.flatbuffer.strip_metadata import slim
from edge.on_device_training.interpreter_training import LearningModel
from edge.passes.float16 import halve
from edge.passes.implicit_ids import count_ids
from edge.runtime.npz_rows import missing
from schema.errors import PipelineError
from schema.signatures import GET_HEAD, PREDICT, SERVING_DEFAULT, SET_HEAD, TRAIN

# Goes to stderr first, see edge.convert.error_summary.
MARK = "converting the trainable form "


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the file and, to stdout as JSON, its `operators` and the `seconds` it took."""
    options = _options(arguments)
    sys.stderr.write(f"\n{MARK}\n")
    sys.stderr.flush()
    start = time.perf_counter()
    content = build(options.saved_model, float16=options.float16)
    model = model_io.read(content)
    custom = model_io.custom_operators(model)
    if custom:
        raise PipelineError(f"operators that are not LiteRT builtins: {', '.join(custom)}")
    options.file.write_bytes(content)
    prove(LearningModel(options.file))
    every = (operator for place in range(len(model.subgraphs)) for operator in model_io.operators(model, place))
    names = sorted({operator.name for operator in every})
    sys.stdout.write(json.dumps({"operators": names, "seconds": time.perf_counter() - start}) + "\n")
    return 0


def build(saved_model: Path, *, float16: bool) -> bytes:
    """The bytes of the .tflite file: the signatures, and an initialiser of the head and the tables.

    Only what a signature assigns stays a variable; the converter makes constants of all other weights. Each signature
    runs the initialiser once, before all else, so that the head is there without a call.

    Args:
        saved_model: what models.export.trainable.export_trainable wrote.
        float16: whether the body's large weights are float16. The head is float32 either way: its steps are small.
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(saved_model), signature_keys=[PREDICT, TRAIN, GET_HEAD, SET_HEAD]
    )
    converter.experimental_enable_resource_variables = True
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    content = bytes(converter.convert())
    if float16:
        content = subgraphs.each(content, subgraphs.of_signatures(content, [PREDICT, TRAIN]), halve)
    # An interpreter then answers it as any other variant.
    content = subgraphs.lead(content, PREDICT, SERVING_DEFAULT)
    return slim(count_ids(subgraphs.share_constants(content)))


def prove(model: LearningModel) -> None:
    """Asks for one row and for two, trains, and puts back the head.

    Raises:
        PipelineError: if a score has the wrong shape, or the head is not what it was.
    """
    for rows in (1, 2):
        columns = missing(model.inputs, rows)
        head, before = model.head(), model.predict(columns)
        if before.ndim != 2 or len(before) != rows:
            raise PipelineError(f"expected a score of shape [{rows}, k] for {rows} rows. Received: {before.shape}")
        step = model.train(columns, np.ones(rows, np.int64), 0.1)
        if step.rows != rows:
            raise PipelineError(f"expected {rows} rows to count in training. Received: {step.rows}")
        model.set_head(head)
        if not np.array_equal(model.predict(columns), before):
            raise PipelineError("the head that was put back does not answer as before")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m edge.on_device_training.trainable_worker", description="Convert a trainable form."
    )
    parser.add_argument("--saved_model", type=Path, required=True)
    parser.add_argument("--file", type=Path, required=True, help="the .tflite file to write")
    parser.add_argument("--float16", action="store_true", help="large weights of the body as float16")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    # As edge.convert.conversion_worker: it ends soon.
    gc.disable()
    sys.exit(main())
