"""The door that a second Trainer of TFX knocks at: from a trained model to one device form a technique."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import tf_keras
from numpy.typing import NDArray

from models.data.dataset import SharedInput, training_source
from models.entrypoints.trainer import base_weights, checkpoint_folder, run, with_tuned
from models.export.export import RowModel, export_device_form
from models.network.network import build_network
from models.preprocessing.statistics import Statistics, read_statistics
from models.training.distillation import make_teacher
from models.training.fit import FineTune, FitPaths, fit
from models.training.schedule import FINE_TUNING_EPOCHS, course, settled
from models.training.strategies import is_chief, make_strategy, noticing_lost_workers
from models.training.training_options import Training
from models.training.warm_start import saved_weights
from schema import signatures
from schema.bound import BoundProblem
from schema.closed import nearest
from schema.errors import InputError, PipelineError
from schema.techniques import Technique

# The key of custom_config that tells a fine-tuning from a training.
TECHNIQUES = "techniques"

_LOG = logging.getLogger(__name__)


def run_fn(fn_args: Any) -> None:
    """Fine-tunes the base model once for each technique, and exports a device form of each.

    `fn_args` is as for models.entrypoints.trainer.run_fn, with `techniques` in `custom_config`, a list of Technique as
    JSON, and with a `base_model`. The problem's `device.fine_tuning` says how, and `training` where it runs.
    """
    run(fn_args, fine_tune)


def fine_tune(fn_args: Any) -> None:
    """Fine-tunes in this process, as the one it is of its cluster; the chief exports.

    A technique has a checkpoint of its own, which is kept until all are done: one that was killed goes on, and does not
    train again what it had finished.

    Raises:
        InputError: if there is no base model, or its weights are none of this problem's network.
        PipelineError: if a training diverges.
        WorkerLostError: if another worker of the cluster is gone.
    """
    config = fn_args.custom_config
    techniques = read_techniques(config[TECHNIQUES])
    options = Training.model_validate_json(config["training"])
    # First of all: TensorFlow joins a cluster before it computes anything, or not at all.
    strategy = make_strategy(options.strategy, options.tpu)
    bound = with_tuned(BoundProblem.model_validate_json(config["bound"]), fn_args.hyperparameters)
    train, evaluation = training_source(fn_args.train_files), training_source(fn_args.eval_files)
    bound = tuned_finely(bound, train.rows(), strategy.num_replicas_in_sync)
    statistics = read_statistics(Path(fn_args.transform_output))
    weights = _trained_weights(bound, statistics, fn_args.base_model)
    # Labels alone would teach it something new, and move decisions; scores alone would teach it the model's mistakes.
    teacher = make_teacher(bound, statistics, weights, bound.problem.device.fine_tuning.teacher)
    checkpoint, feed = checkpoint_folder(fn_args), SharedInput(teacher)
    model = Path(fn_args.serving_model_dir).parent
    with noticing_lost_workers(strategy):
        for technique in techniques:
            _LOG.info("fine-tuning: %s", technique)
            paths = FitPaths(logs=Path(fn_args.model_run_dir) / technique, checkpoint=checkpoint / technique)
            network = fit(
                bound,
                statistics,
                train,
                evaluation,
                strategy,
                options,
                paths,
                feed,
                FineTune(technique, weights),
            )
            _check_finite(technique, network)
            if is_chief(strategy):
                row_model = RowModel(bound, statistics, network)
                export_device_form(row_model, model / signatures.device_form(technique))
    if is_chief(strategy):
        _write_index(Path(fn_args.serving_model_dir), techniques)
        shutil.rmtree(checkpoint, ignore_errors=True)


def read_techniques(text: str) -> tuple[Technique, ...]:
    """The techniques of a JSON list of their names.

    Raises:
        InputError: if one is unknown, or there is none.
    """
    names = json.loads(text)
    known = [str(technique) for technique in Technique]
    for name in names:
        if name not in known:
            raise InputError(f"fine-tuning: no technique '{name}'.{nearest(name, known)}")
    if not names:
        raise InputError("fine-tuning: expected at least one technique. Received: none")
    return tuple(Technique(name) for name in names)


def tuned_finely(bound: BoundProblem, rows: int, replicas: int = 1) -> BoundProblem:
    """The problem with the settings of fine-tuning in place of those of its training. No epoch is left out."""
    settings = bound.problem.device.fine_tuning
    # What the network is made of stays as it was decided for its training.
    network = settled(bound, rows, replicas).problem.network
    changed = {"epochs": settings.epochs, "learning_rate": settings.learning_rate}
    epochs = course(network.model_copy(update=changed), rows, replicas, FINE_TUNING_EPOCHS).epochs
    network = network.model_copy(update={**changed, "epochs": epochs, "patience": epochs})
    return bound.model_copy(update={"problem": bound.problem.model_copy(update={"network": network})})


def _trained_weights(bound: BoundProblem, statistics: Statistics, base_model: str | None) -> list[NDArray[np.generic]]:
    if not base_model:
        raise InputError("fine-tuning: expected a trained model to start from. Received: none")
    return saved_weights(build_network(bound, statistics), base_weights(base_model), bound, statistics)


def _check_finite(technique: Technique, network: tf_keras.Model) -> None:
    # Fake quantization makes a number of NaN, so that the loss alone does not tell.
    broken = [variable.name for variable in network.weights if not np.isfinite(variable.numpy()).all()]
    if broken:
        raise PipelineError(
            f"fine-tuning: {technique} left weights that are not finite: {', '.join(broken)}. Lower "
            "device.fine_tuning.learning_rate."
        )


def _write_index(serving_form: Path, techniques: tuple[Technique, ...]) -> None:
    """Says where the served form would be, for whose path TFX asks, what there is instead."""
    serving_form.mkdir(parents=True, exist_ok=True)
    forms = {str(technique): signatures.device_form(technique) for technique in techniques}
    (serving_form / signatures.TECHNIQUES).write_text(json.dumps(forms, indent=1), encoding="utf-8")
