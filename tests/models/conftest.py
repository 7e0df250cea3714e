"""Transformed examples and a transform graph of the tiny problem, made once."""

from functools import partial
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from models.preprocessing.preprocessing import preprocessing_fn
from models.preprocessing.transform_graph import write_transform_graph
from tests.models import training_case


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """64 training rows in two shards, 21 evaluation rows: the last of whose batches is not full."""
    return training_case.write_examples(tmp_path_factory.mktemp("examples"))


@pytest.fixture(scope="session")
def transform_graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The transform graph of the raw rows."""
    folder = tmp_path_factory.mktemp("transform")
    known = training_case.STATISTICS
    custom = {"bound": training_case.bound_problem().model_dump_json(), "statistics": known.to_json()}
    schema = text_format.Parse(training_case.SCHEMA, schema_pb2.Schema())
    write_transform_graph(partial(preprocessing_fn, custom_config=custom), schema, known, folder)
    return folder
