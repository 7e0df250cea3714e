"""The Evaluator node: its type, its parameters, what it refuses, and when it blesses."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
import tensorflow as tf
from tfx.components import Evaluator
from tfx.types import channel_utils, standard_artifacts

from components.evaluation.eval_config import eval_config
from components.evaluation.evaluator import ColumnEvaluator, Executor
from reports.artifacts.evaluation import sliced_metrics
from schema.errors import InputError, RowCountError
from schema.problem import Problem
from schema.row_ledger import EXAMPLES, RowCount, read_counts, write_counts
from tests.evaluation.cases import Case, binary_case
from tests.evaluation.conftest import inputs, run, write_case


def node(problem: Problem, fingerprint: str) -> ColumnEvaluator:
    model = channel_utils.as_channel([standard_artifacts.Model()])
    return ColumnEvaluator(
        examples=channel_utils.as_channel([standard_artifacts.Examples()]),
        model=model,
        baseline_model=model,
        schema=channel_utils.as_channel([standard_artifacts.Schema()]),
        example_splits=["test"],
        eval_config=eval_config(problem),
        fingerprint=fingerprint,
        split_key=problem.split.key,
    )


def test_the_node_has_the_ports_and_parameters_of_tfxs_evaluator(make_problem: Callable[..., Problem]) -> None:
    problem = make_problem()
    model = channel_utils.as_channel([standard_artifacts.Model()])
    stock = Evaluator(
        examples=channel_utils.as_channel([standard_artifacts.Examples()]),
        model=model,
        baseline_model=model,
        schema=channel_utils.as_channel([standard_artifacts.Schema()]),
        example_splits=["test"],
        eval_config=eval_config(problem),
    )

    ours = node(problem, "1f")

    assert isinstance(ours, Evaluator)
    assert ours.inputs.keys() == stock.inputs.keys()
    assert {key: channel.type for key, channel in ours.outputs.items()} == {
        key: channel.type for key, channel in stock.outputs.items()
    }
    assert ours.exec_properties["eval_config"] == stock.exec_properties["eval_config"]
    assert ours.exec_properties["example_splits"] == stock.exec_properties["example_splits"]


def test_an_edited_source_is_another_execution(make_problem: Callable[..., Problem]) -> None:
    problem = make_problem()

    assert node(problem, "1f").exec_properties["fingerprint"] == "1f"
    assert node(problem, "1f").exec_properties != node(problem, "2e").exec_properties


def test_the_node_is_told_the_split_key_where_there_is_one(make_problem: Callable[..., Problem]) -> None:
    problem = make_problem()
    keyed = problem.model_copy(update={"split": problem.split.model_copy(update={"key": "carrier"})})

    assert node(keyed, "1f").exec_properties["split_key"] == "carrier"
    assert node(problem, "1f").exec_properties.get("split_key") is None


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Examples, schema and models of the binary case."""
    folder = tmp_path_factory.mktemp("binary")
    write_case(binary_case(), folder)
    return folder


def held_to(**evaluation: object) -> Case:
    case = binary_case()
    free: dict[str, object] = {"bounds": {}, "changes": {}, "slice_bounds": {}, "metrics": ("auc",), "slices": ()}
    changed = case.problem.evaluation.model_copy(update=free | evaluation)
    return replace(case, problem=case.problem.model_copy(update={"evaluation": changed}))


@pytest.mark.parametrize(("bound", "file", "value"), [(0.5, "BLESSED", 1), (0.99, "NOT_BLESSED", 0)])
def test_a_blessing_says_whether_the_bound_holds_and_whose_it_is(
    written: Path, tmp_path: Path, bound: float, file: str, value: int
) -> None:
    given = inputs(written, baseline=False)

    evaluation, blessing = run(Executor(), held_to(bounds={"auc": bound}), given, tmp_path)

    assert [path.name for path in Path(blessing.uri).iterdir()] == [file]
    assert blessing.get_int_custom_property("blessed") == value
    assert blessing.get_int_custom_property("current_model_id") == 7
    assert blessing.get_string_custom_property("current_model") == str(written / "candidate")
    assert blessing.get_string_custom_property("component_id") == "Evaluator"
    assert not blessing.has_custom_property("baseline_model")
    assert 0.5 < sliced_metrics(evaluation)["overall"]["candidate"]["auc"] < 0.99


def test_without_a_bound_nothing_is_blessed(written: Path, tmp_path: Path) -> None:
    evaluation, blessing = run(Executor(), held_to(), inputs(written, baseline=False), tmp_path)

    assert list(Path(blessing.uri).iterdir()) == []
    assert not blessing.has_custom_property("blessed")
    assert sliced_metrics(evaluation)["overall"]["candidate"]["example_count"] == 252.0


def test_without_a_schema_it_is_asked_for(written: Path, tmp_path: Path) -> None:
    given = inputs(written, baseline=False)
    del given["schema"]

    with pytest.raises(InputError, match="Evaluator: expected an input 'schema'"):
        run(Executor(), held_to(), given, tmp_path)


@pytest.mark.parametrize("key", ["module_file", "module_path", "feature_slicing_spec"])
def test_user_code_that_would_not_run_is_refused(written: Path, tmp_path: Path, key: str) -> None:
    case, given = held_to(), inputs(written, baseline=False)

    with pytest.raises(InputError, match=rf"Evaluator: '{key}' is not supported\. Received: judge"):
        run(Executor(), case, given, tmp_path, **{key: "judge"})


@pytest.fixture(scope="module")
def dealt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The binary case in three shards of 84 rows, with the counts of who wrote them."""
    folder = tmp_path_factory.mktemp("dealt")
    write_case(binary_case(), folder, shards=3)
    counts = [RowCount(EXAMPLES, 84, split="test", file=f"rows-{shard}.gz") for shard in range(3)]
    write_counts(counts, folder / "examples")
    return folder


BY_SITE = held_to(bounds={"auc": 0.5}, slices=(("site",),))


def test_every_row_is_counted_by_shard_by_model_and_by_slice(dealt: Path, tmp_path: Path) -> None:
    lacking = sum("site" not in row for row in binary_case().rows)

    evaluation, _ = run(Executor(), BY_SITE, inputs(dealt, baseline=True), tmp_path)

    counts = read_counts(evaluation)
    assert {(one.boundary, one.file or one.of): (one.rows, one.expected) for one in counts} == {
        ("evaluated", "rows-0.gz"): (84, 84),
        ("evaluated", "rows-1.gz"): (84, 84),
        ("evaluated", "rows-2.gz"): (84, 84),
        ("evaluated", "candidate"): (252, 252),
        ("evaluated", "baseline"): (252, 252),
        ("in no slice", "site"): (lacking, None),
        ("sum of slices", "by site"): (252 - lacking, 252),
        ("sum of slices", "by site, baseline"): (252 - lacking, 252),
    }
    assert all(one.agrees for one in counts)


class LosesShard(beam.PTransform):  # type: ignore[misc]
    """In place of Beam's Reshuffle: one shard never arrives at the worker that it is dealt to."""

    def expand(self, shards: Any) -> Any:
        """All others."""
        return shards | beam.Filter(lambda shard: not shard.endswith("rows-1.gz"))


class LosesSlice(beam.PTransform):  # type: ignore[misc]
    """Beam's merge of parts by key, at which the parts of one slice never arrive."""

    real = beam.CombinePerKey

    def __init__(self, merge: Any) -> None:
        super().__init__()
        self._merge = merge

    def expand(self, parts: Any) -> Any:
        """All others, merged."""
        return parts | beam.Filter(lambda part: part[0] != (("site", "north"),)) | LosesSlice.real(self._merge)


def test_a_shard_and_a_record_that_are_gone_stop_the_node(
    dealt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(dealt, tmp_path / "case")
    shard = str(tmp_path / "case" / "examples" / "Split-test" / "rows-2.gz")
    records = list(tf.data.TFRecordDataset(shard, "GZIP").as_numpy_iterator())
    with tf.io.TFRecordWriter(shard, "GZIP") as writer:
        for record in records[1:]:
            writer.write(record)
    monkeypatch.setattr(beam, "Reshuffle", LosesShard)

    with pytest.raises(RowCountError) as caught:
        run(Executor(), BY_SITE, inputs(tmp_path / "case", baseline=False), tmp_path)

    message = str(caught.value)
    assert "evaluated, split 'test', rows-1.gz: 0 rows, expected 84 in Examples" in message
    assert "evaluated, split 'test', rows-2.gz: 83 rows, expected 84 in Examples" in message
    assert "evaluated, candidate, split 'test': 167 rows, expected 252 in Examples" in message
    assert list((tmp_path / "blessing").iterdir()) == []


def test_rows_of_a_slice_that_the_runner_loses_stop_the_node(
    dealt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = [row.get("site") for row in binary_case().rows]
    monkeypatch.setattr(beam, "CombinePerKey", LosesSlice)

    with pytest.raises(RowCountError) as caught:
        run(Executor(), BY_SITE, inputs(dealt, baseline=False), tmp_path)

    left, lacking = 252 - sites.count("north") - sites.count(None), sites.count(None)
    assert f"sum of slices, by site: {left} rows and {lacking} without site, expected 252" in str(caught.value)
