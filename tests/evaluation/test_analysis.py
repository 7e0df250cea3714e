"""The pipeline over several shards and small batches, and what it says of models and rows that do not fit."""

import math
from collections.abc import Callable
from pathlib import Path

import apache_beam as beam
import pytest
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_model_analysis.utils import config_util

from components.evaluation.eval_config import eval_config
from evaluation.analysis import evaluate
from evaluation.rows import BATCH_ROWS, row_reader
from reports.artifacts.evaluation import sliced_metrics
from schema.errors import InputError
from tests.components.conftest import as_example
from tests.evaluation.agreement import content, differences
from tests.evaluation.cases import Case, Row, binary_case, multiclass_case, save
from tests.evaluation.conftest import Evaluated, write_case


def analyse(
    case: Case,
    folder: Path,
    baseline: Path | None = None,
    schema: schema_pb2.Schema | None = None,
    batch_rows: int = BATCH_ROWS,
) -> Path:
    """The evaluation of the shards and the candidate below the folder."""
    config = config_util.update_eval_config_with_defaults(
        eval_config(case.problem), has_baseline=baseline is not None, rubber_stamp=True
    )
    models = {"": folder / "candidate" / "Format-Serving"}
    if baseline is not None:
        models = {"candidate": models[""], "baseline": baseline / "Format-Serving"}
    shards = sorted((folder / "examples" / "Split-test").iterdir())
    with beam.Pipeline("FnApiRunner") as pipeline:
        evaluate(pipeline, shards, config, models, schema or case.schema(), folder / "evaluation", batch_rows)
    return folder / "evaluation"


def write_shard(folder: Path, rows: list[Row]) -> None:
    shard = folder / "examples" / "Split-test" / "rows-0.gz"
    with tf.io.TFRecordWriter(str(shard), "GZIP") as writer:
        for row in rows:
            writer.write(as_example(row))


@pytest.fixture
def binary(tmp_path: Path) -> tuple[Case, Path]:
    case = binary_case()
    write_case(case, tmp_path)
    return case, tmp_path


def test_shards_and_batches_of_any_size_give_the_same(tmp_path: Path, evaluated: Callable[..., Evaluated]) -> None:
    case = binary_case()
    write_case(case, tmp_path, shards=5)

    evaluation = analyse(case, tmp_path, batch_rows=7)

    whole = evaluated("binary", baseline=False).ours
    assert differences(content(evaluation), content(whole)) == []


def test_an_uncompressed_shard_and_an_empty_one_are_read_too(binary: tuple[Case, Path]) -> None:
    case, folder = binary
    write_shard(folder, [])
    with tf.io.TFRecordWriter(str(folder / "examples" / "Split-test" / "rows-1")) as writer:
        writer.write(as_example({"site": "north", "late": 1, "new": 0.75}))

    found = sliced_metrics(analyse(case, folder))

    assert {name: values["candidate"]["example_count"] for name, values in found.items()} == {
        "overall": 1.0,
        "site=north": 1.0,
    }


def test_batches_hold_at_most_so_many_rows_and_only_what_is_asked_for(binary: tuple[Case, Path]) -> None:
    case, folder = binary
    reader = row_reader(case.schema(), ["late", "site"], batch_rows=100)

    batches = list(reader.batches(folder / "examples" / "Split-test" / "rows-0.gz"))

    assert [len(batch.serialized) for batch in batches] == [100, 100, 52]
    assert [sorted(batch.columns) for batch in batches] == [["late", "site"]] * 3
    assert [len(batch.columns["site"]) for batch in batches] == [100, 100, 52]


def test_a_baseline_of_another_task_is_named(binary: tuple[Case, Path]) -> None:
    case, folder = binary
    other = save(("old",), "value", folder / "regression")

    with pytest.raises(
        InputError, match=r"baseline in .*expected an answer 'probability'\. Received: \['value'\]\. Is"
    ):
        analyse(case, folder, other)


def test_a_baseline_without_class_numbers_is_named(tmp_path: Path) -> None:
    case = multiclass_case()
    write_case(case, tmp_path)
    other = save(case.baseline, "probability", tmp_path / "other")

    with pytest.raises(
        InputError, match=r"baseline in .*expected a signature 'transform_labels'\. Received: \['serving"
    ):
        analyse(case, tmp_path, other)


def test_a_baseline_that_does_not_know_a_class_is_named(tmp_path: Path) -> None:
    case = multiclass_case()
    write_case(case, tmp_path)
    other = save(case.baseline, "probability", tmp_path / "other", classes=("barley", "maize"))
    unknown = sum(row["crop"] == "rye" for row in case.rows)

    with pytest.raises(InputError, match=rf"baseline: expected labels from 0 to 2.*Received: {unknown} of 201 others"):
        analyse(case, tmp_path, other)


@pytest.mark.parametrize("answer", [math.nan, math.inf])
def test_an_answer_that_is_not_finite_is_refused_by_whichever_model_gave_it(
    binary: tuple[Case, Path], answer: float
) -> None:
    case, folder = binary
    write_shard(folder, [{"late": 1, "new": 0.5}, {"late": 0, "new": answer}, {"late": 1, "new": answer}])

    with pytest.raises(InputError, match=r"candidate in .*expected finite answers\. Received: 2 of 3 rows"):
        analyse(case, folder)


def test_a_label_that_is_not_finite_is_refused(binary: tuple[Case, Path]) -> None:
    case, folder = binary
    write_shard(folder, [{"late": 1.0, "new": 0.5}, {"late": math.nan, "new": 0.5}])
    schema = case.schema()
    next(feature for feature in schema.feature if feature.name == "late").type = schema_pb2.FLOAT

    with pytest.raises(InputError, match=r"label 'late': expected finite numbers\. Received: 1 of 2 rows"):
        analyse(case, folder, schema=schema)


def test_rows_without_a_label_are_counted(binary: tuple[Case, Path]) -> None:
    case, folder = binary
    write_shard(folder, [{"late": 1, "new": 0.5}, {"new": 0.5}, {"new": 0.5}])

    with pytest.raises(InputError, match=r"label 'late': expected one value a row\. Received: 2 of 3 rows without"):
        analyse(case, folder)


def test_a_label_that_is_text_is_refused(binary: tuple[Case, Path]) -> None:
    case, folder = binary
    write_shard(folder, [{"late": "yes", "new": 0.5}])
    schema = case.schema()
    next(feature for feature in schema.feature if feature.name == "late").type = schema_pb2.BYTES

    with pytest.raises(InputError, match="label 'late': expected a number, or a signature that makes one of it"):
        analyse(case, folder, schema=schema)


def test_a_slice_that_the_schema_lacks_is_refused(binary: tuple[Case, Path]) -> None:
    case, folder = binary
    schema = case.schema()
    del schema.feature[[feature.name for feature in schema.feature].index("week")]

    with pytest.raises(InputError, match=r"expected a feature of the schema, \['acid', 'crop'.*Received: 'week'"):
        analyse(case, folder, schema=schema)
