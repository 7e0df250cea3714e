"""Both executors, stock and ours, on the same rows and models."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tfx.components.evaluator import executor as stock
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact
from tfx.utils import proto_utils

from components.evaluation import evaluator as ours
from components.evaluation.eval_config import eval_config
from schema.signatures import prediction_key
from tests.components.conftest import as_example
from tests.evaluation.cases import Case, binary_case, multiclass_case, regression_case, save


@dataclass(frozen=True)
class Evaluated:
    """Folders of the two evaluations, and the two blessings."""

    stock: Path
    ours: Path
    blessings: tuple[Artifact, Artifact]


def artifact(kind: type[Artifact], folder: Path, number: int = 0) -> Artifact:
    """An artifact whose content lies in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    made = kind()
    made.uri, made.id = str(folder), number
    return made


def write_case(case: Case, folder: Path, shards: int = 1) -> None:
    """Examples, schema and models of a case; rows are dealt to the shards in turn."""
    key, classes = prediction_key(case.problem.task), case.problem.classes
    save(case.candidate, key, folder / "candidate", classes)
    save(case.baseline, key, folder / "baseline", classes)
    (folder / "schema").mkdir()
    (folder / "schema" / "schema.pbtxt").write_text(text_format.MessageToString(case.schema()))
    (folder / "examples" / "Split-test").mkdir(parents=True)
    for shard in range(shards):
        path = folder / "examples" / "Split-test" / f"rows-{shard}.gz"
        with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
            for row in case.rows[shard::shards]:
                writer.write(as_example(row))


def inputs(folder: Path, *, baseline: bool) -> dict[str, list[Artifact]]:
    """The input artifacts below the folder."""
    examples = artifact(standard_artifacts.Examples, folder / "examples")
    examples.split_names = artifact_utils.encode_split_names(["test"])
    given = {
        "examples": [examples],
        "model": [artifact(standard_artifacts.Model, folder / "candidate", 7)],
        "schema": [artifact(standard_artifacts.Schema, folder / "schema")],
    }
    if baseline:
        given["baseline_model"] = [artifact(standard_artifacts.Model, folder / "baseline", 5)]
    return given


def run(
    executor: Any, case: Case, given: dict[str, list[Artifact]], output: Path, **properties: str
) -> tuple[Path, Artifact]:
    """The evaluation's folder and the blessing; `properties` are further execution properties."""
    evaluation = artifact(standard_artifacts.ModelEvaluation, output / "evaluation")
    blessing = artifact(standard_artifacts.ModelBlessing, output / "blessing")
    executor.Do(
        given,
        {"evaluation": [evaluation], "blessing": [blessing]},
        {
            "eval_config": proto_utils.proto_to_json(eval_config(case.problem)),
            "example_splits": '["test"]',
            "current_component_id": "Evaluator",
            **properties,
        },
    )
    return Path(evaluation.uri), blessing


CASES = {"binary": binary_case, "multiclass": multiclass_case, "regression": regression_case}


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Evaluated]:
    """evaluated(task, baseline=...): the task's case by both executors; each combination is run once."""
    kept: dict[tuple[str, bool], Evaluated] = {}

    def once(task: str, *, baseline: bool) -> Evaluated:
        if (task, baseline) not in kept:
            case, folder = CASES[task](), tmp_path_factory.mktemp(task)
            write_case(case, folder)
            theirs, their_blessing = run(stock.Executor(), case, inputs(folder, baseline=baseline), folder / "stock")
            mine, my_blessing = run(ours.Executor(), case, inputs(folder, baseline=baseline), folder / "ours")
            kept[task, baseline] = Evaluated(theirs, mine, (their_blessing, my_blessing))
        return kept[task, baseline]

    return once
