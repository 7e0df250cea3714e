"""A small problem with every encoding, and literal raw rows of it."""

from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from ingestion.examples import write_examples
from ingestion.records import example_batches
from models.data.dataset import feature_spec
from models.preprocessing.materialize import transform_shard
from models.preprocessing.preprocessing import preprocessing_fn
from models.preprocessing.statistics import Statistics
from models.preprocessing.training_statistics import Analysis
from models.preprocessing.transform_graph import write_transform_graph
from schema.bound import BoundProblem, bind
from schema.problem import Problem
from schema.rows import Column, columns

SCHEMA = text_format.Parse(
    """
    feature { name: "soil" type: BYTES presence { min_count: 1 } value_count { min: 1 max: 1 } }
    feature {
      name: "week" type: INT presence { min_count: 1 } value_count { min: 1 max: 1 } int_domain { min: 8 max: 12 }
    }
    feature { name: "rain" type: FLOAT presence { min_count: 1 } value_count { min: 1 max: 1 } }
    feature { name: "area" type: INT presence { min_count: 1 } value_count { min: 1 max: 1 } }
    feature {
      name: "wet" type: INT presence { min_count: 1 } value_count { min: 1 max: 1 } not_in_environment: "SERVING"
    }
    default_environment: "TRAINING"
    default_environment: "SERVING"
    """,
    schema_pb2.Schema(),
)

Row = dict[str, Any]

# Quantiles of four equal buckets: rain 0, 1, 2, 3, 4 and area 10, 20, 30, 40, 50 are their own boundaries.
TRAIN: list[Row] = [
    {"soil": "clay", "week": 8, "rain": 0.0, "area": 10, "wet": 0},
    {"soil": "clay", "week": 9, "rain": 1.0, "area": 20, "wet": 0},
    {"soil": "clay", "week": 10, "rain": 2.0, "area": 30, "wet": 0},
    {"soil": "loam", "week": 11, "rain": 3.0, "area": 40, "wet": 1},
    {"soil": "loam", "week": 12, "rain": 4.0, "area": 50, "wet": 1},
    {"week": 8, "wet": 1},
]


def bound_problem(**changes: Any) -> BoundProblem:
    """The problem bound to its schema; `changes` are keys of problem.yaml."""
    values: dict[str, Any] = {
        "name": "fields",
        "title": "Is this field wet?",
        "task": "binary",
        "label": "wet",
        "data": {"path": "data"},
        "features": {
            "soil": {"encoding": "vocabulary"},
            "week": {"encoding": "identity"},
            "rain": {"encoding": "quantiles", "buckets": 4},
            "area": {"encoding": "quantiles", "buckets": 4},
        },
        "network": {"hidden_units": [8], "embedding_size": 3, "numeric_knots": 5, "members": 2},
    }
    return bind(Problem.from_mapping({**values, **changes}, "literal"), SCHEMA)


def known_columns() -> dict[str, Column]:
    """The schema's columns."""
    return columns(SCHEMA)


def write_rows(rows: list[Row], folder: Path) -> Path:
    """The rows as one gzip TFRecord shard of tf.Examples, as ExampleGen writes them; gives the shard."""
    types = {schema_pb2.BYTES: pa.string(), schema_pb2.INT: pa.int64(), schema_pb2.FLOAT: pa.float32()}
    fields = [pa.field(feature.name, types[feature.type]) for feature in SCHEMA.feature]
    write_examples(pa.Table.from_pylist(rows, schema=pa.schema(fields)), SCHEMA, folder)
    return next(folder.glob("*.gz"))


def serialized(shard: Path) -> tf.Tensor:
    """The shard's tf.Examples, string [N]."""
    records = tf.data.TFRecordDataset(str(shard), compression_type="GZIP")
    return tf.constant(list(records.as_numpy_iterator()))


def analyse(bound: BoundProblem, rows: list[Row], folder: Path) -> Path:
    """The transform graph of these rows, by a real analysis of their shard."""
    analysis = Analysis(bound)
    for batch in example_batches([write_rows(rows, folder / "analysed")], SCHEMA):
        analysis.add(batch)
    return trace(bound, analysis.statistics(), folder / "transform_graph")


def trace(bound: BoundProblem, known: Statistics, graph: Path) -> Path:
    """The transform graph of known statistics."""
    custom = {"bound": bound.model_dump_json(), "statistics": known.to_json()}
    write_transform_graph(partial(preprocessing_fn, custom_config=custom), SCHEMA, known, graph)
    return graph


def transform(graph: Path, bound: BoundProblem, rows: list[Row], folder: Path) -> dict[str, list[float]]:
    """The rows as Transform's node writes them: values by feature."""
    shard = write_rows(rows, folder / "raw")
    transform_shard(str(graph), str(shard), str(folder / "transformed.gz"))
    parsed = tf.io.parse_example(serialized(folder / "transformed.gz"), feature_spec(bound))
    return {name: column.numpy().tolist() for name, column in parsed.items()}
