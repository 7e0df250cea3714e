"""A small schema, literal rows of it in files, and their conversion by a real Beam pipeline."""

import gzip
import json
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from google.protobuf import text_format
from pyarrow import parquet
from tensorflow_metadata.proto.v0 import schema_pb2

from ingestion.block import BLOCK_BYTES
from ingestion.conversion import Conversion, SpanRequest
from ingestion.shards import ROWS_FILE
from ingestion.spans import raise_faults, write_spans
from ingestion.splits import SPLITS
from schema.problem import Split

SCHEMA_TEXT = """
feature { name: "day" type: BYTES }
feature { name: "stop" type: INT }
feature { name: "rain" type: FLOAT }
feature { name: "late" type: INT }
"""
SCHEMA = text_format.Parse(SCHEMA_TEXT, schema_pb2.Schema())
HEADER = "day,stop,rain,late"
ARROW = pa.schema([("day", pa.string()), ("stop", pa.int64()), ("rain", pa.float64()), ("late", pa.int64())])
Row = dict[str, Any]


def conversion(**changes: Any) -> Conversion:
    """How the case's spans are converted; `changes` are its attributes, and `key` the split's."""
    split = Split(key=changes.pop("key", None))
    return Conversion(**{"schema_text": SCHEMA_TEXT, "label": "late", "split": split, "seed": 7, **changes})


def write_csv(folder: Path, *rows: str, name: str = "a.csv") -> Path:
    """A CSV file of these rows, compressed if its name says so."""
    folder.mkdir(parents=True, exist_ok=True)
    path, content = folder / name, ("\n".join([HEADER, *rows]) + "\n").encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def write_parquet(folder: Path, rows: list[Row], name: str = "a.parquet", group: int = 1000) -> Path:
    """A Parquet file of these rows, `group` of them in each row group."""
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.Table.from_pylist(rows, ARROW), folder / name, row_group_size=group)
    return folder / name


def write_tfrecord(folder: Path, rows: list[Row], name: str = "a.tfrecord.gz") -> Path:
    """A TFRecord file of tf.Examples; what is None is an absent feature."""
    folder.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / name), "GZIP" if name.endswith(".gz") else "") as writer:
        for row in rows:
            writer.write(example(row).SerializeToString())
    return folder / name


def example(row: Row) -> tf.train.Example:
    """The row in tf.Example's terms."""
    return tf.train.Example(
        features=tf.train.Features(feature={name: feature(held) for name, held in row.items() if held is not None})
    )


def feature(held: Any) -> tf.train.Feature:
    """One value, or a list of them."""
    values = held if isinstance(held, list) else [held]
    if isinstance(values[0], int):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    if isinstance(values[0], float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    texts = [value.encode() if isinstance(value, str) else value for value in values]
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=texts))


def many(count: int = 300, days: int = 30) -> list[str]:
    """Rows that differ in their stop, on days in turn."""
    return [f"day-{row % days},{row},{row / 4},{row % 2}" for row in range(count)]


def records(lines: list[str]) -> list[Row]:
    """The same rows as values."""
    return [
        {"day": day or None, "stop": int(stop), "rain": float(rain), "late": int(late) if late else None}
        for day, stop, rain, late in (line.split(",") for line in lines)
    ]


def convert_all(requests: list[SpanRequest], how: Conversion, *flags: str) -> None:
    """Runs the pipeline to its end, in this process, and raises what did not fit."""
    options = PipelineOptions(list(flags) or ["--direct_running_mode=in_memory", "--direct_num_workers=1"])
    with beam.Pipeline(FnApiRunner(), options=options) as pipeline:
        write_spans(pipeline, requests, how)
    raise_faults(requests)


def convert(destination: Path, *files: Path, span: int = 1, flags: tuple[str, ...] = (), **changes: Any) -> Row:
    """Converts the files as one span; gives the counts in its rows.json."""
    convert_all([SpanRequest(span, files, destination)], conversion(**{"block_bytes": BLOCK_BYTES, **changes}), *flags)
    counted: Row = json.loads((destination / ROWS_FILE).read_text(encoding="utf-8"))
    return counted


def shards(destination: Path, split: str) -> list[Path]:
    """The shards of one split in order."""
    return sorted((destination / f"Split-{split}").iterdir())


def rows_of(destination: Path, split: str) -> list[Row]:
    """The values of each example of one split; None for a feature without a value."""
    names = [str(path) for path in shards(destination, split)]
    read = tf.data.TFRecordDataset(names, compression_type="GZIP").as_numpy_iterator()
    return [
        {name: value(held) for name, held in tf.train.Example.FromString(record).features.feature.items()}
        for record in read
    ]


def value(held: tf.train.Feature) -> Any:
    """Its one value, or None."""
    kind = held.WhichOneof("kind")
    if kind is None:
        return None
    (only,) = getattr(held, kind).value
    return only


def all_rows(destination: Path) -> list[Row]:
    """The rows of all splits."""
    return [row for split in SPLITS for row in rows_of(destination, split)]


def by_split(destination: Path) -> dict[str, list[int]]:
    """The stops of each split, sorted."""
    return {split: sorted(row["stop"] for row in rows_of(destination, split)) for split in SPLITS}
