"""Transformed examples and a transform graph of the tiny problem, made once."""

from pathlib import Path

import apache_beam as beam
import pytest
import tensorflow_transform.beam as tft_beam
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import dataset_metadata

from models.preprocessing import preprocessing_fn
from tests.models import training_case


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """64 training rows in two shards, 21 evaluation rows: the last of whose batches is not full."""
    return training_case.write_examples(tmp_path_factory.mktemp("examples"))


@pytest.fixture(scope="session")
def transform_graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The transform graph of the raw rows."""
    folder = tmp_path_factory.mktemp("transform")
    metadata = dataset_metadata.DatasetMetadata(text_format.Parse(training_case.SCHEMA, schema_pb2.Schema()))
    config = {"bound": training_case.bound_problem().model_dump_json()}
    with beam.Pipeline() as pipeline, tft_beam.Context(temp_dir=str(folder / "temporary")):
        raw = (pipeline | beam.Create(training_case.raw_rows()), metadata)
        analysed = raw | tft_beam.AnalyzeDataset(lambda columns: preprocessing_fn(columns, config))
        _ = analysed | tft_beam.WriteTransformFn(str(folder / "graph"))
    return folder / "graph"
