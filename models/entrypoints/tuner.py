"""The door that TFX's Tuner knocks at: tuner_fn to a random search whose every trial is the one fit."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras_tuner
import tensorflow as tf
from keras_tuner.engine.trial import TrialStatus
from tfx.components.tuner.component import TunerFnResult

from models.data.dataset import Source, training_source
from models.entrypoints.trainer import with_tuned
from models.entrypoints.trial_summaries import write_search, write_trial
from models.preprocessing.statistics import Statistics, read_statistics
from models.training.fit import FitPaths, fit
from models.training.schedule import TRIAL_EPOCHS, settled
from models.training.strategies import make_strategy
from models.training.training_options import Training
from schema.bound import BoundProblem
from schema.errors import PipelineError, RowCountError
from schema.problem import Network

_OBJECTIVE = "val_loss"


@dataclass(frozen=True)
class Trials:
    """What every trial trains on, and for how many epochs; None: as many as suit the rows."""

    bound: BoundProblem
    statistics: Statistics
    train: Source
    evaluation: Source
    options: Training
    strategy: tf.distribute.Strategy
    epochs: int | None

    def eval_loss(self, values: dict[str, Any], logs: Path) -> float:
        """Least loss on the eval split of a training with these network settings laid over the problem's own."""
        bound = with_tuned(self.bound, {"values": {**values, "epochs": self.epochs}})
        bound = settled(bound, self.train.rows(), self.strategy.num_replicas_in_sync, TRIAL_EPOCHS)
        paths = FitPaths(logs=logs)
        model = fit(bound, self.statistics, self.train, self.evaluation, self.strategy, self.options, paths)
        return float(min(model.history.history[_OBJECTIVE]))


def tuner_fn(fn_args: Any) -> TunerFnResult:
    """The search.

    `fn_args.custom_config` holds `bound` (BoundProblem) and `training` (Training) as JSON, `trials`, how many settings
    to try, and `epochs`, how long each trains. The first trial is the problem's own setting, so that what is found is
    no worse than that.
    """
    config = fn_args.custom_config
    options = Training.model_validate_json(config["training"])
    # First of all: TensorFlow joins a cluster before it computes anything, or not at all.
    strategy = make_strategy(options.strategy, options.tpu)
    bound = BoundProblem.model_validate_json(config["bound"])
    search = OwnSettingFirst(
        objective=keras_tuner.Objective(_OBJECTIVE, "min"),
        max_trials=config["trials"],
        seed=options.seed,
        hyperparameters=search_space(bound.problem.network),
    )
    tuner = FitTuner(search, directory=fn_args.working_dir, project_name="trials")
    trials = Trials(
        bound=bound,
        statistics=read_statistics(Path(fn_args.transform_graph_path)),
        train=training_source(fn_args.train_files),
        evaluation=training_source(fn_args.eval_files),
        options=options,
        strategy=strategy,
        epochs=config["epochs"],
    )
    return TunerFnResult(tuner=tuner, fit_kwargs={"trials": trials})


def search_space(network: Network) -> keras_tuner.HyperParameters:
    """What is searched, around the problem's own setting, which is each parameter's default."""
    space = keras_tuner.HyperParameters()
    rate = network.learning_rate
    space.Float("learning_rate", rate / 4, rate * 4, sampling="log", default=rate)
    space.Float("dropout", 0.0, max(0.5, network.dropout), default=network.dropout)
    decay = network.weight_decay
    if decay:
        space.Float("weight_decay", min(1e-4, decay), max(0.1, decay), sampling="log", default=decay)
    space.Choice("embedding_size", sorted({8, 16, 32, network.embedding_size}), default=network.embedding_size)
    return space


def logs_folder(project: Path) -> Path:
    """Where a search below this folder logs for TensorBoard: a folder a trial, by its number."""
    return project / "logs"


class OwnSettingFirst(keras_tuner.oracles.RandomSearchOracle):
    """A random search that begins with every parameter's default."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The values of a new trial."""
        if self.trials:
            found: dict[str, Any] = super().populate_space(trial_id)
            return found
        values = {parameter.name: parameter.default for parameter in self.hyperparameters.space}
        return {"status": TrialStatus.RUNNING, "values": values}


class FitTuner(keras_tuner.Tuner):
    """A search over network settings; a trial is judged by its least loss on the eval split."""

    def on_search_begin(self) -> None:
        """Writes what is searched for TensorBoard."""
        super().on_search_begin()
        write_search(self.oracle.get_space(), logs_folder(Path(self.project_dir)))

    def run_trial(self, trial: Any, trials: Trials) -> dict[str, float]:
        """Trains the problem's network with the trial's setting; one that diverges is a failed trial, not the end."""
        values = trial.hyperparameters.values
        logs = logs_folder(Path(self.project_dir)) / trial.trial_id
        try:
            loss = trials.eval_loss(values, logs)
        except RowCountError:
            raise
        except PipelineError as error:
            write_trial(values, None, logs)
            raise keras_tuner.errors.FailedTrialError(str(error)) from error
        write_trial(values, loss, logs)
        return {_OBJECTIVE: loss}
