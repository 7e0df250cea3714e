"""The real executor on spans of literal rows."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts
from tfx.types import standard_component_specs as keys

from components.data.span_store import StoredSpan, link_spans
from components.data.transform import Executor
from models.data.dataset import feature_spec
from models.preprocessing.materialize import transform_shard
from models.preprocessing.records import count_rows, told_rows
from models.preprocessing.statistics import read_statistics
from pipeline.beam.pipeline_options import graph_arguments
from pipeline.config.environment import Environment
from schema.errors import DamagedFileError, InputError, RowCountError
from schema.precision import Precision, check_precision, write_precision
from schema.row_ledger import EXAMPLES, RowCount, read_counts, write_counts
from schema.rows import Column, Kind
from schema.run_warnings import read_warnings
from tests.damage import flip_bit
from tests.models.rows_case import SCHEMA, Row, bound_problem, serialized, write_rows

SPANS: dict[int, dict[str, list[Row]]] = {
    1: {"train": [{"soil": "clay", "week": 8, "rain": 0.0, "area": 10, "wet": 0}] * 3, "eval": [{"wet": 1}]},
    2: {"train": [{"soil": "loam", "week": 9, "rain": 4.0, "area": 50, "wet": 1}] * 2, "eval": [{"soil": "silt"}]},
    3: {"train": [{"soil": "peat", "week": 9, "rain": 8.0, "area": 90, "wet": 1}] * 4, "eval": []},
}
SPLITS = ("train", "eval")
REGRESSION = {"task": "regression", "label": "rain", "features": {"area": {"encoding": "quantiles"}}}

Transformed = Callable[..., Path]


@pytest.fixture
def transformed(artifact: Callable[..., Any], tmp_path: Path) -> Transformed:
    """transformed(1, 2): the folder of one execution on a window of these spans, with `graph` and `rows` in it.

    What ExampleGen has `counted` of them stands beside the examples; without it the node counts them itself.
    """
    schema = tmp_path / "schema" / "schema.pbtxt"
    schema.parent.mkdir()
    schema.write_text(str(SCHEMA), encoding="utf-8")

    def execute(
        *spans: int,
        lost: bool = False,
        fingerprint: str = "source",
        counted: Sequence[RowCount] = (),
        **problem: Any,
    ) -> Path:
        folder = tmp_path / f"execution-{len(list(tmp_path.glob('execution-*/graph')))}"
        stored = [_stored(span, tmp_path / "store") for span in spans]
        link_spans(stored, folder / "examples", SPLITS)
        if counted:
            write_counts(counted, folder / "examples")
        if lost:
            shutil.rmtree(tmp_path / "store")
        made = {
            keys.TRANSFORM_GRAPH_KEY: artifact(standard_artifacts.TransformGraph, folder / "graph"),
            keys.TRANSFORMED_EXAMPLES_KEY: artifact(standard_artifacts.Examples, folder / "rows"),
        }
        given = {
            keys.EXAMPLES_KEY: [artifact(standard_artifacts.Examples, folder / "examples")],
            keys.SCHEMA_KEY: [artifact(standard_artifacts.Schema, schema.parent)],
        }
        Executor(Executor.Context(beam_pipeline_args=graph_arguments(Environment(name="test")))).Do(
            given, {key: [value] for key, value in made.items()}, _properties(tmp_path / "cache", fingerprint, problem)
        )
        assert artifact_utils.decode_split_names(made[keys.TRANSFORMED_EXAMPLES_KEY].split_names) == list(SPLITS)
        return folder

    return execute


def _stored(span: int, store: Path) -> StoredSpan:
    folder = store / f"{span:02d}-content"
    for split, rows in SPANS[span].items():
        write_rows(rows, folder / f"Split-{split}")
    return StoredSpan(span, str(folder), {split: len(rows) for split, rows in SPANS[span].items()})


def _properties(cache: Path, fingerprint: str, problem: Mapping[str, Any]) -> dict[str, Any]:
    custom = {"bound": bound_problem(**problem).model_dump_json(), "cache": str(cache), "fingerprint": fingerprint}
    return {
        keys.SPLITS_CONFIG_KEY: json.dumps({"analyze": ["train"], "transform": list(SPLITS)}),
        keys.PREPROCESSING_FN_KEY: "models.preprocessing.preprocessing.preprocessing_fn",
        keys.CUSTOM_CONFIG_KEY: json.dumps(custom),
    }


def test_each_shard_has_as_many_rows_analyzed_and_transformed_as_in_examples(transformed: Transformed) -> None:
    counts = read_counts(transformed(1, 2) / "rows")

    assert {(one.boundary, one.split, one.span, one.rows, one.expected) for one in counts} == {
        ("analyzed", "train", "span-01", 3, 3),
        ("analyzed", "train", "span-02", 2, 2),
        ("transformed", "train", "span-01", 3, 3),
        ("transformed", "train", "span-02", 2, 2),
        ("transformed", "eval", "span-01", 1, 1),
        ("transformed", "eval", "span-02", 1, 1),
    }


def test_a_row_that_is_gone_from_a_shard_stops_the_node_with_both_numbers(transformed: Transformed) -> None:
    lost = [RowCount(EXAMPLES, 2, split="eval", file="span-02-data_tfrecord-00000-of-00001.gz")]

    with pytest.raises(RowCountError) as caught:
        transformed(2, counted=lost)

    assert (
        "transformed, span-02, split 'eval', span-02-data_tfrecord-00000-of-00001.gz: "
        "1 rows, expected 2 in Examples" in str(caught.value)
    )


def test_an_analysis_of_other_rows_is_not_kept(transformed: Transformed, tmp_path: Path) -> None:
    more = [RowCount(EXAMPLES, 4, split="train", file="span-01-data_tfrecord-00000-of-00001.gz")]

    with pytest.raises(RowCountError, match=r"analyzed, span-01, split 'train', .*: 3 rows, expected 4 in Examples"):
        transformed(1, counted=more)

    assert not list(tmp_path.rglob("*.analysis"))


def _analyses(folder: Path) -> dict[str, int]:
    """The analyses that are kept, with the time of their writing."""
    found = (folder.parent / "cache").rglob("*.analysis")
    return {path.relative_to(folder.parent).as_posix(): path.stat().st_mtime_ns for path in found}


def test_each_shard_is_transformed_under_its_own_name(transformed: Transformed) -> None:
    folder = transformed(1, 2)
    for split in SPLITS:
        shards = sorted(path.name for path in (folder / "examples" / f"Split-{split}").glob("*.gz"))
        assert sorted(path.name for path in (folder / "rows" / f"Split-{split}").iterdir()) == shards
        assert [name[:7] for name in shards] == ["span-01", "span-02"]


def test_what_is_encoded_was_learnt_of_the_training_split_of_all_spans(transformed: Transformed) -> None:
    folder = transformed(1, 2)
    # Three rows of clay and two of loam; silt stands in the evaluation split alone.
    known = read_statistics(folder / "graph")
    assert known.vocabularies == {"soil": (b"clay", b"loam")}
    assert (known.boundaries["rain"][0], known.boundaries["rain"][-1]) == (0.0, 4.0)
    shard = next((folder / "rows" / "Split-eval").glob("span-02-*"))
    row = tf.io.parse_example(serialized(shard), feature_spec(bound_problem()))
    assert row["soil"].numpy().tolist() == [1]


def test_the_next_window_analyses_the_new_span_alone(transformed: Transformed) -> None:
    first = _analyses(transformed(1, 2))
    folder = transformed(2, 3)
    after = _analyses(folder)
    assert {name: after[name] for name in first} == first
    assert len(after) == len(first) + 1
    assert read_statistics(folder / "graph").vocabularies == {"soil": (b"peat", b"loam")}


def test_another_source_analyses_anew(transformed: Transformed) -> None:
    first = _analyses(transformed(1))
    assert len(_analyses(transformed(1, fingerprint="edited"))) == 2 * len(first)


def test_a_window_whose_store_is_out_of_reach_gives_the_same(transformed: Transformed) -> None:
    here = read_statistics(transformed(1, 2) / "graph")
    assert read_statistics(transformed(1, 2, lost=True) / "graph") == here


def test_a_number_that_float32_does_not_hold_is_refused_before_anything_is_learnt(
    transformed: Transformed, tmp_path: Path
) -> None:
    coarse = Precision.of(1_700_000_000_000 + np.arange(600_000))
    (tmp_path / "execution-0" / "examples").mkdir(parents=True)
    write_precision(tmp_path / "execution-0" / "examples", {"area": coarse, "week": coarse, "rain": Precision()})
    with pytest.raises(InputError, match=r"features\.area: column 'area' is too fine for float32") as raised:
        transformed(1)
    # A week is looked up by its domain, as an integer.
    assert "week" not in str(raised.value)


def test_a_label_that_never_varies_is_warned_of(transformed: Transformed) -> None:
    # Of the training rows: those of span 1 have no rain at all.
    assert read_warnings(transformed(1, **REGRESSION) / "rows") == [
        "the label 'rain' is 0 in all 3 training rows: nothing can be learnt"
    ]
    assert read_warnings(transformed(1, 2, **REGRESSION) / "rows") == []


def test_a_label_that_float32_does_not_hold_is_refused_unless_it_is_of_integers() -> None:
    problem = bound_problem(**REGRESSION).problem
    coarse = Precision.of(1.7e9 + np.linspace(-130, 130, 999))
    with pytest.raises(InputError, match=r"label: column 'rain' is too fine .* and add it to the model's answers; or"):
        check_precision({"rain": coarse}, problem, {"rain": Column("rain", Kind.NUMBER)})
    check_precision({"rain": coarse}, problem, {"rain": Column("rain", Kind.INTEGER)})


def test_the_rows_of_each_split_are_told_to_whoever_trains(transformed: Transformed) -> None:
    folder = transformed(1, 2) / "rows"

    for split, rows in (("train", 5), ("eval", 2)):
        shards = list((folder / f"Split-{split}").iterdir())
        assert told_rows(shards) == count_rows(shards) == rows


def test_a_flipped_bit_in_an_analysis_is_found_and_the_shard_analysed_anew(
    transformed: Transformed, caplog: pytest.LogCaptureFixture
) -> None:
    first = transformed(1, 2)
    before = _analyses(first)
    damaged = first.parent / min(before)
    flip_bit(damaged)

    again = transformed(1, 2)

    assert read_statistics(again / "graph") == read_statistics(first / "graph")
    after = _analyses(again)
    assert {name for name in before if after[name] != before[name]} == {min(before)}
    assert f"{damaged}: damaged" in caplog.text


def test_a_shard_that_cannot_be_transformed_is_named(transformed: Transformed, tmp_path: Path) -> None:
    folder = transformed(1)
    [shard] = (folder / "examples" / "Split-train").glob("*.gz")
    flip_bit(shard, 0.6)
    with pytest.raises(DamagedFileError, match=f"^{shard}: damaged: "):
        transform_shard(str(folder / "graph"), str(shard), str(tmp_path / "again.gz"))
