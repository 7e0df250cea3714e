"""The Tuner node: the stock search on a tiny problem, and the trials' logs beside its results."""

import json
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer
from tensorboard.plugins.hparams import metadata, plugin_data_pb2
from tensorboard.util import tensor_util
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_artifacts

from components.training.tuner import LOGS, Executor
from models.entrypoints.trial_summaries import EVAL_LOSS
from models.training.training_options import Training
from tests.evaluation.conftest import artifact
from tests.models.conftest import examples, transform_graph  # noqa: F401 (fixtures)
from tests.models.training_case import SCHEMA, bound_problem

TRIALS = 2


@pytest.fixture(scope="module")
def results(examples: Path, transform_graph: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """tuner_results of a search."""
    folder = tmp_path_factory.mktemp("tuner")
    rows = artifact(standard_artifacts.Examples, examples)
    rows.split_names = artifact_utils.encode_split_names(["train", "eval"])
    schema = artifact(standard_artifacts.Schema, folder / "schema")
    (folder / "schema" / "schema.pbtxt").write_text(SCHEMA, encoding="utf-8")
    found = artifact(standard_artifacts.TunerResults, folder / "results")
    custom = {
        "bound": bound_problem().model_dump_json(),
        "training": Training().model_dump_json(),
        "trials": TRIALS,
        "epochs": 1,
    }
    context = base_executor.BaseExecutor.Context(tmp_dir=f"{folder}/work/", unique_id="1")
    Executor(context).Do(
        {
            "examples": [rows],
            "schema": [schema],
            "transform_graph": [artifact(standard_artifacts.TransformGraph, transform_graph)],
        },
        {
            "best_hyperparameters": [artifact(standard_artifacts.HyperParameters, folder / "best")],
            "tuner_results": [found],
        },
        {
            "tuner_fn": "models.entrypoints.tuner.tuner_fn",
            "custom_config": json.dumps(custom),
            "train_args": '{"splits": ["train"]}',
            "eval_args": '{"splits": ["eval"]}',
        },
    )
    return Path(found.uri)


def test_every_trials_values_and_loss_are_what_the_results_say(results: Path) -> None:
    board = EventMultiplexer().AddRunsFromDirectory(str(results / LOGS)).Reload()

    told = json.loads((results / "tuner_results.json").read_text(encoding="utf-8"))
    assert len(told) == TRIALS
    for trial in told:
        number, score = trial.pop("trial_id"), trial.pop("score")
        content = board.SummaryMetadata(number, metadata.SESSION_START_INFO_TAG).plugin_data.content
        start = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
        assert {name: value.number_value for name, value in start.hparams.items()} == trial
        (loss,) = board.Tensors(number, EVAL_LOSS)
        assert tensor_util.make_ndarray(loss.tensor_proto) == pytest.approx(score, rel=1e-6)


def test_the_first_trial_is_the_problems_own_setting(results: Path) -> None:
    trials = {trial["trial_id"]: trial for trial in json.loads((results / "tuner_results.json").read_text())}
    own = bound_problem().problem.network

    settings = [(trial["learning_rate"], trial["embedding_size"]) for _, trial in sorted(trials.items())]
    assert settings[0] == (own.learning_rate, own.embedding_size)
    assert settings[1][0] != own.learning_rate


def test_every_trials_curves_are_kept(results: Path) -> None:
    runs = EventMultiplexer().AddRunsFromDirectory(str(results / LOGS)).Reload().Runs()

    assert set(runs) >= {f"{number}/{split}" for number in range(TRIALS) for split in ("train", "validation")}
    assert "epoch_loss" in runs["0/validation"]["tensors"]


def test_tune_args_are_refused() -> None:
    with pytest.raises(ValueError, match="Tuner: tune_args are not supported"):
        Executor().Do({}, {}, {"tune_args": '{"num_parallel_trials": 3}'})
