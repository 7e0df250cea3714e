"""The stock side: TFX's own components on the same problem, the same rows in the same splits, the same encodings."""

from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from google.protobuf import json_format
from tfx import v1 as tfx

from benchmarks.runs import even_sets
from benchmarks.stock.pipeline import BEAM_ARGUMENTS, create_pipeline
from benchmarks.stock.preprocessing import preprocessing_fn
from benchmarks.stock.statistics import read_statistics
from models.export.export import parse_rows
from models.preprocessing.encoder import Encoder
from models.preprocessing.preprocessing import preprocessing_fn as our_preprocessing_fn
from models.preprocessing.statistics import Statistics
from pipeline.config.pipeline_config import Config, load_config
from pipeline.stages.model import techniques
from schema.bound import BoundProblem
from schema.errors import InputError
from schema.problem import Data, Encoding, Feature, Problem, Task
from schema.rows import Column, Kind

BOUND = BoundProblem(
    problem=Problem(
        name="flights",
        title="Will the flight be late?",
        task=Task.BINARY,
        label="late",
        data=Data(path="data"),
        features={
            "carrier": Feature(encoding=Encoding.VOCABULARY),
            "hour": Feature(encoding=Encoding.IDENTITY),
            "distance": Feature(encoding=Encoding.QUANTILES, buckets=4),
        },
    ),
    domains={"hour": (0, 3)},
)
COLUMNS = {
    "carrier": Column("carrier", Kind.STRING),
    "hour": Column("hour", Kind.INTEGER, 0, 3),
    "distance": Column("distance", Kind.INTEGER),
}
SPEC = {
    "carrier": tf.io.VarLenFeature(tf.string),
    "hour": tf.io.VarLenFeature(tf.int64),
    "distance": tf.io.VarLenFeature(tf.int64),
    "late": tf.io.VarLenFeature(tf.int64),
}
ROWS: list[dict[str, list[Any]]] = [
    {"carrier": [b"AA"], "hour": [0], "distance": [0], "late": [0]},
    {"carrier": [b"AA"], "hour": [1], "distance": [100], "late": [1]},
    {"carrier": [b"B6"], "hour": [3], "distance": [200], "late": [0]},
    {"carrier": [], "hour": [4], "distance": [300], "late": [1]},
    {"carrier": [b"AA"], "hour": [], "distance": [400], "late": [0]},
    {"carrier": [b"B6"], "hour": [2], "distance": [], "late": [1]},
]


@pytest.fixture(scope="module")
def transform_graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the stock Transform makes of the rows with the stock preprocessing."""
    folder = tmp_path_factory.mktemp("graph")
    metadata = tft.DatasetMetadata.from_feature_spec(SPEC)
    config = {"bound": BOUND.model_dump_json()}
    with beam.Pipeline(argv=list(BEAM_ARGUMENTS)) as pipeline, tft_beam.Context(str(folder / "temp")):
        rows = pipeline | beam.Create(ROWS)
        analyse = tft_beam.AnalyzeDataset(lambda inputs: preprocessing_fn(inputs, config))
        _ = (rows, metadata) | analyse | tft_beam.WriteTransformFn(str(folder / "graph"))
    return folder / "graph"


def batch(name: str) -> tf.SparseTensor:
    dtype = SPEC[name].dtype
    places = [[place, 0] for place, row in enumerate(ROWS) if row[name]]
    values = [row[name][0] for row in ROWS if row[name]]
    return tf.SparseTensor(tf.constant(places, tf.int64), tf.constant(values, dtype), [len(ROWS), 1])


def test_tfts_analyzers_find_what_is_worked_out_by_hand(transform_graph: Path) -> None:
    found = read_statistics(transform_graph, BOUND)
    # Of 0, 100, .. 400 the quartiles lie at 100, 200 and 300; AA is there three times and B6 twice.
    assert found == Statistics({"carrier": (b"AA", b"B6")}, {"distance": (0.0, 100.0, 200.0, 300.0, 400.0)})


def test_the_stock_preprocessing_encodes_as_ours_with_the_same_statistics(transform_graph: Path) -> None:
    statistics = read_statistics(transform_graph, BOUND)
    stock = tft.TFTransformOutput(str(transform_graph)).transform_raw_features({name: batch(name) for name in SPEC})
    config = {"bound": BOUND.model_dump_json(), "statistics": statistics.to_json()}
    ours = our_preprocessing_fn({name: batch(name) for name in SPEC}, config)
    assert stock.keys() == ours.keys()
    for name, values in ours.items():
        assert stock[name].dtype == values.dtype
        np.testing.assert_allclose(stock[name].numpy(), values.numpy(), atol=1e-6)
    assert stock["carrier"].numpy().tolist() == [2, 2, 3, 0, 2, 3]
    assert stock["hour"].numpy().tolist() == [1, 2, 4, 0, 0, 3]
    assert stock["distance"].numpy().tolist() == [0.0, 0.25, 0.5, 0.75, 1.0, -1.0]


def test_a_gap_that_csv_example_gen_writes_as_an_empty_list_is_served() -> None:
    # CsvExampleGen's own form of a gap: the feature is there, its list has a type and no value.
    empty = tf.train.Example(
        features=tf.train.Features(
            feature={
                "carrier": tf.train.Feature(bytes_list=tf.train.BytesList()),
                "hour": tf.train.Feature(int64_list=tf.train.Int64List(value=[2])),
                "distance": tf.train.Feature(int64_list=tf.train.Int64List()),
            }
        )
    )
    rows = parse_rows(tf.constant([empty.SerializeToString()]), BOUND, COLUMNS)
    encoder = Encoder(BOUND, Statistics({"carrier": (b"AA",)}, {"distance": (0.0, 1.0, 2.0, 3.0, 4.0)}))
    found = {name: values.numpy().tolist() for name, values in encoder.encode(rows).items()}
    assert found == {"carrier": [0], "hour": [3], "distance": [-1.0]}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The flights problem, with rows that are never read."""
    return load_config("nyc_flights", data=str(tmp_path), output=str(tmp_path / "out"))


def test_the_stock_graph_is_the_templates(config: Config) -> None:
    nodes = [component.id for component in create_pipeline(config).components]
    assert sorted(nodes) == [
        "CsvExampleGen",
        "Evaluator",
        "ExampleValidator",
        "ImportSchemaGen",
        "Pusher",
        "StatisticsGen",
        "Trainer",
        "Transform",
        "latest_blessed_model_resolver",
    ]
    for component in create_pipeline(config).components:
        assert type(component).__module__.startswith("tfx.")


def test_rows_are_dealt_to_the_same_splits_by_the_same_key(config: Config) -> None:
    (generator,) = [node for node in create_pipeline(config).components if node.id == "CsvExampleGen"]
    output = tfx.proto.Output()
    json_format.Parse(generator.exec_properties["output_config"], output)
    assert output.split_config.partition_feature_name == "date"
    buckets = [(split.name, split.hash_buckets) for split in output.split_config.splits]
    assert buckets == [("train", 7), ("eval", 1), ("test", 2)]
    assert '"pattern": "span-*/*.csv"' in generator.exec_properties["input_config"]


def test_a_problem_that_the_stock_side_has_no_code_for_is_refused(tmp_path: Path) -> None:
    problem = Path(__file__).resolve().parents[1] / "data" / "problems" / "crops"
    with pytest.raises(InputError, match="expected a binary problem with a split key and a label of 0 and 1"):
        create_pipeline(load_config(str(problem), data=str(tmp_path), output=str(tmp_path / "out")))


def test_both_sides_train_for_the_same_epochs(config: Config) -> None:
    # Nor does ours fine-tune for a device, which stock TFX does not.
    assert even_sets(config, trial=False) == (
        f"network.patience={config.problem.network.epochs}",
        "device.variants=[float32, float16, dynamic_int8, int8]",
    )
    sets = even_sets(config, trial=True)
    trial = load_config("nyc_flights", data=str(config.data), output=str(config.output), sets=sets)
    assert trial.problem.network.patience == trial.problem.network.epochs
    assert trial.problem.network.batch_size == 256
    assert trial.problem.device.min_accepted == 0
    assert techniques(trial) == ()
