"""Literal rows as TFRecords, artifacts at folders of a test's own, and evaluations worked out by hand."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow_model_analysis.proto import config_pb2
from tfx.components.evaluator import executor as evaluator
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact
from tfx.utils import proto_utils

from components.evaluation.eval_config import eval_config
from components.evaluation.evaluation_counts import slice_counts
from reports.artifacts.evaluation import load_slices
from schema.problem import Problem
from schema.row_ledger import write_counts

Row = Mapping[str, str | bytes | int | float]


def as_example(row: Row) -> bytes:
    """A serialized tf.Example; what the row lacks is missing."""
    return tf.train.Example(
        features=tf.train.Features(feature={name: as_feature(value) for name, value in row.items()})
    ).SerializeToString()


def as_feature(value: str | bytes | int | float) -> tf.train.Feature:
    """One value in tf.Example's terms."""
    if isinstance(value, str | bytes):
        text = value.encode() if isinstance(value, str) else value
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[text]))
    if isinstance(value, int):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
    return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))


@pytest.fixture(scope="session")
def write_rows() -> Callable[[Path, list[Row]], Path]:
    """write_rows(shard, rows): the rows as a gzip TFRecord."""

    def write(shard: Path, rows: list[Row]) -> Path:
        shard.parent.mkdir(parents=True, exist_ok=True)
        with tf.io.TFRecordWriter(str(shard), "GZIP") as writer:
            for row in rows:
                writer.write(as_example(row))
        return shard

    return write


@pytest.fixture(scope="session")
def artifact() -> Callable[[type[Artifact], Path], Artifact]:
    """artifact(type, folder): an artifact whose content lies in the folder."""

    def make(kind: type[Artifact], folder: Path) -> Artifact:
        folder.mkdir(parents=True, exist_ok=True)
        made = kind()
        made.uri = str(folder)
        return made

    return make


class Answering(tf.Module):
    """A model that answers with a number that its rows carry, so that its metrics can be worked out by hand."""

    def __init__(self, column: str) -> None:
        super().__init__()
        self.column = column

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """The column as the probability."""
        spec = {self.column: tf.io.FixedLenFeature([], tf.float32)}
        return {"probability": tf.io.parse_example(examples, spec)[self.column]}


# Carrier, label, the candidate's answer and the baseline's. The candidate is right on all six rows of UA and wrong on
# both of HA; over all rows 15 of its 16 pairs of a late and a punctual flight are in order. The baseline is right.
JUDGED = [
    ("UA", 1, 0.9, 0.9),
    ("UA", 1, 0.8, 0.9),
    ("UA", 1, 0.7, 0.9),
    ("UA", 0, 0.1, 0.1),
    ("UA", 0, 0.2, 0.1),
    ("UA", 0, 0.3, 0.1),
    ("HA", 1, 0.4, 0.9),
    ("HA", 0, 0.6, 0.1),
]


@pytest.fixture(scope="session")
def evaluate(
    tmp_path_factory: pytest.TempPathFactory, write_rows: Callable[..., Path], artifact: Callable[..., Artifact]
) -> Callable[..., Path]:
    """evaluate(eval_config, baseline=...): the folder that TFX's Evaluator writes of the rows above."""
    folder = tmp_path_factory.mktemp("judged")
    for column in ("score", "old_score"):
        model = Answering(column)
        signatures = {"serving_default": model.serve}
        tf.saved_model.save(model, str(folder / column / "Format-Serving"), signatures=signatures)
    rows = [dict(zip(("carrier", "late", "score", "old_score"), row, strict=True)) for row in JUDGED]
    write_rows(folder / "examples" / "Split-test" / "data.gz", rows)

    def run(asked: config_pb2.EvalConfig, *, baseline: bool) -> Path:
        config = config_pb2.EvalConfig()
        config.CopyFrom(asked)
        # Stock TFMA takes a minute for them, and no verdict depends on them.
        config.ClearField("options")
        examples = artifact(standard_artifacts.Examples, folder / "examples")
        examples.split_names = artifact_utils.encode_split_names(["test"])
        given = {"examples": [examples], "model": [artifact(standard_artifacts.Model, folder / "score")]}
        if baseline:
            given["baseline_model"] = [artifact(standard_artifacts.Model, folder / "old_score")]
        evaluation = artifact(standard_artifacts.ModelEvaluation, tmp_path_factory.mktemp("evaluation"))
        blessing = artifact(standard_artifacts.ModelBlessing, tmp_path_factory.mktemp("blessing"))
        evaluator.Executor().Do(
            given,
            {"evaluation": [evaluation], "blessing": [blessing]},
            {"eval_config": proto_utils.proto_to_json(config), "example_splits": '["test"]'},
        )
        # Every row has a carrier.
        write_counts(slice_counts(load_slices(Path(evaluation.uri)), {"carrier": 0}), Path(evaluation.uri))
        return Path(evaluation.uri)

    return run


@pytest.fixture(scope="session")
def make_problem() -> Callable[..., Problem]:
    """make_problem(bounds=..., ...): a binary problem on those rows with this evaluation, sliced by carrier."""

    def make(**evaluation: object) -> Problem:
        values = {
            "name": "judged",
            "title": "Late?",
            "task": "binary",
            "label": "late",
            "data": {"path": ""},
            "features": {"score": {"encoding": "quantiles"}},
            "evaluation": {"metrics": ["auc", "binary_accuracy"], "slices": [["carrier"]], **evaluation},
        }
        return Problem.from_mapping(values, "problem.yaml")

    return make


# What the candidate above misses overall (auc), on the slice of HA alone (binary_accuracy) and, since it is right in
# three rows of four, against the baseline.
HELD_TO = {
    "bounds": {"auc": 0.95, "binary_accuracy": 0.7},
    "slice_bounds": {"binary_accuracy": 0.7},
    "changes": {"auc": 0.5, "binary_accuracy": 0.1},
}


@pytest.fixture(scope="session")
def first_evaluation(evaluate: Callable[..., Path], make_problem: Callable[..., Problem]) -> Path:
    """The evaluation of a first model, held to all of HELD_TO that needs no baseline."""
    return evaluate(eval_config(make_problem(**HELD_TO)), baseline=False)


@pytest.fixture(scope="session")
def second_evaluation(evaluate: Callable[..., Path], make_problem: Callable[..., Problem]) -> Path:
    """The evaluation of a model that has a baseline."""
    return evaluate(eval_config(make_problem(**HELD_TO)), baseline=True)
