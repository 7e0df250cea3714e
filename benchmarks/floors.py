"""What a node's work costs at the least: the same rows through the same C++ code, with nothing around it.

Run: python -m benchmarks.floors --data DIR --output DIR, on the data and the output folder of one run.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tfx_bsl.coders import example_coder

from benchmarks.data import labelled_batches
from benchmarks.side import artifact
from ingestion.windows import find_spans
from pipeline.config.pipeline_config import Config, load_config
from schema import signatures
from schema.errors import PipelineError
from schema.problem import DEFAULT_PROBLEM
from schema.rows import read_schema

_ROWS = 4096
_SPEED_OVER_SIZE = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
_Result = TypeVar("_Result")


class Stopwatch:
    """Seconds by the name of what was done."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, name: str, work: Callable[[], _Result]) -> _Result:
        """Does the work and notes how long it took."""
        started = time.monotonic()
        result = work()
        self.seconds[name] = time.monotonic() - started
        return result


def measure(config: Config) -> dict[str, float]:
    """Seconds of each elementary step, for all rows of `config.data`.

    Raises:
        InputError: if no run has examples and a model in `config.output`.
    """
    watch = Stopwatch()
    schema = read_schema(config.schema_file)
    spans = find_spans(config.data, config.problem.data.pattern)
    files = [path for paths in spans.values() for path in paths]
    batches = watch.time("parse", lambda: [batch for path in files for batch in labelled_batches(config, path)])
    encoder = example_coder.RecordBatchToExamplesEncoder(schema)
    examples = watch.time("encode", lambda: [text for part in _parts(batches) for text in encoder.encode(part)])
    with tempfile.TemporaryDirectory() as folder:
        shard = str(Path(folder) / "shard.gz")
        watch.time("write", lambda: _write(shard, examples))
        read = watch.time("read", lambda: _read([shard]))
    decoder = example_coder.ExamplesToRecordBatchDecoder(schema.SerializeToString())
    watch.time("decode", lambda: [decoder.DecodeBatch(list(batch)) for batch in read])
    test = [str(path) for path in sorted((artifact(config.output, "ExampleGen", "examples") / "Split-test").iterdir())]
    rows = watch.time("read_test", lambda: _read(test))
    answer = _served(artifact(config.output, "Trainer", "model"))
    watch.time("predict_test", lambda: [answer(tf.constant(batch)) for batch in rows])
    return watch.seconds


def _parts(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS):
            yield as_lists(batch.slice(start, _ROWS))


def as_lists(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The columns as lists of at most one value, which is what the coder takes."""
    return pa.RecordBatch.from_arrays([_as_list(column) for column in batch.columns], names=batch.schema.names)


def _as_list(column: pa.Array) -> pa.Array:
    narrow = {pa.string(): pa.binary(), pa.float64(): pa.float32()}.get(column.type, column.type)
    present = column.is_valid().to_numpy(zero_copy_only=False)
    offsets = pa.array(np.concatenate([[0], np.cumsum(present)]), pa.int32())
    return pa.ListArray.from_arrays(offsets, column.cast(narrow).drop_null(), mask=pa.array(~present))


def _write(shard: str, examples: Iterable[bytes]) -> None:
    with tf.io.TFRecordWriter(shard, _SPEED_OVER_SIZE) as writer:
        for example in examples:
            writer.write(example)


def _read(shards: list[str]) -> list[Any]:
    return list(tf.data.TFRecordDataset(shards, compression_type="GZIP").batch(_ROWS).as_numpy_iterator())


def _served(model: Path) -> Any:
    served = tf.saved_model.load(str(model / signatures.SERVING_FORM)).signatures[signatures.SERVING_DEFAULT]

    def answer(batch: tf.Tensor) -> Any:
        return served(**{signatures.EXAMPLES: batch})

    return answer


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.floors", description=__doc__, allow_abbrev=False)
    parser.add_argument("--problem", default=DEFAULT_PROBLEM, help="a folder under schema/, or the path of one")
    parser.add_argument("--data", required=True, help="folder of spans")
    parser.add_argument("--output", required=True, help="where a pipeline wrote its run on that data")
    parser.add_argument("--result", type=Path, help="write the figures into this JSON file too")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Measures and prints; returns the exit code: 0 done, 2 bad input."""
    chosen = parse(arguments)
    try:
        seconds = measure(load_config(chosen.problem, output=chosen.output, data=chosen.data))
    except PipelineError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    if chosen.result:
        chosen.result.write_text(json.dumps(seconds), encoding="utf-8")
    sys.stdout.write("".join(f"{name:<14}{value:>8.2f} s\n" for name, value in seconds.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
