"""What TensorBoard's HPARAMS page shows of a search: each trial's settings and how well it did."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras_tuner
import tensorflow as tf
from tensorboard.plugins.hparams import api, api_pb2, summary

# A run of its own beside the trial's train and validation.
EVAL_LOSS = "least_eval_loss"


def write_search(space: keras_tuner.HyperParameters, folder: Path) -> None:
    """Says what is searched: the columns of the page, and their ranges."""
    hparams = [api.HParam(parameter.name, _domain(parameter)) for parameter in space.space]
    metrics = [api.Metric(EVAL_LOSS, display_name="least eval loss")]
    with tf.summary.create_file_writer(str(folder)).as_default():
        api.hparams_config(hparams, metrics)


def write_trial(values: Mapping[str, Any], eval_loss: float | None, folder: Path) -> None:
    """Says what a trial tried and its least loss on the eval split; None is a trial that diverged."""
    succeeded = eval_loss is not None and math.isfinite(eval_loss)
    status = api_pb2.STATUS_SUCCESS if succeeded else api_pb2.STATUS_FAILURE
    # Trials of one name are one row of the page, and every search has a trial 0.
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S} trial {folder.name}"
    with tf.summary.create_file_writer(str(folder)).as_default():
        api.hparams(dict(values), trial_id=name)
        if succeeded:
            tf.summary.scalar(EVAL_LOSS, eval_loss, step=0)
        tf.summary.experimental.write_raw_pb(summary.session_end_pb(status).SerializeToString(), step=0)


def _domain(parameter: Any) -> Any:
    """An interval also for a choice: TensorBoard hides what is not in a list, such as another search's values."""
    if isinstance(parameter, keras_tuner.engine.hyperparameters.Choice):
        return api.IntInterval(min(parameter.values), max(parameter.values))
    return api.RealInterval(float(parameter.min_value), float(parameter.max_value))
