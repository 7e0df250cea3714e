"""The door that TFX's Trainer knocks at: run_fn to the one fit, then the export."""

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from models.export import RowModel, export
from models.fit import FitPaths, fit
from models.input import training_source
from models.statistics import read_statistics
from models.strategies import is_chief, make_strategy
from models.training_options import Training
from models.warm_start import save_weights
from schema.bound import BoundProblem
from schema.problem import Network
from schema.rows import columns

WEIGHTS = "weights/weights.npz"

_LOG = logging.getLogger(__name__)


def run_fn(fn_args: Any) -> None:
    """Trains and exports the model.

    `fn_args.custom_config` holds `bound` (BoundProblem) and `training` (Training) as JSON, and `checkpoints`, a folder
    that outlives the execution, so that a killed training resumes where its last finished epoch ended.
    """
    config = fn_args.custom_config
    options = Training.model_validate_json(config["training"])
    # First of all: TensorFlow joins a cluster before it computes anything, or not at all.
    strategy = make_strategy(options.strategy, options.tpu)
    bound = with_tuned(BoundProblem.model_validate_json(config["bound"]), fn_args.hyperparameters)
    statistics = read_statistics(Path(fn_args.transform_output), bound)
    checkpoint = checkpoint_folder(fn_args)
    network = fit(
        bound,
        statistics,
        training_source(fn_args.train_files),
        training_source(fn_args.eval_files),
        strategy,
        options,
        FitPaths(
            logs=Path(fn_args.model_run_dir),
            checkpoint=checkpoint,
            warm_start=_warm_start(options, fn_args.base_model),
        ),
    )
    if is_chief(strategy):
        folder = Path(fn_args.serving_model_dir).parent
        schema = text_format.Parse(Path(fn_args.schema_file).read_text(encoding="utf-8"), schema_pb2.Schema())
        export(RowModel(bound, statistics, network), columns(schema), folder)
        save_weights(network, folder / WEIGHTS)
        shutil.rmtree(checkpoint, ignore_errors=True)


def with_tuned(bound: BoundProblem, hyperparameters: Mapping[str, Any] | None) -> BoundProblem:
    """The problem with the network settings that a tuner found, if one ran."""
    values = (hyperparameters or {}).get("values", {})
    if not values:
        return bound
    network = Network.from_mapping({**bound.problem.network.model_dump(mode="json"), **values}, "tuned network")
    return bound.model_copy(update={"problem": bound.problem.model_copy(update={"network": network})})


def checkpoint_folder(fn_args: Any) -> Path:
    """A folder of this training's own: the same for the same data, config and source, another for any other."""
    patterns = [*fn_args.train_files, *fn_args.eval_files]
    names = sorted(name for pattern in patterns for name in tf.io.gfile.glob(pattern))
    identity = [
        dict(fn_args.custom_config),
        fn_args.hyperparameters,
        fn_args.base_model,
        # A path alone may hold other rows than it did: a deleted metadata store counts its executions anew.
        [(name, tf.io.gfile.stat(name).length) for name in names],
    ]
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return Path(fn_args.custom_config["checkpoints"]) / digest[:16]


def _warm_start(options: Training, base_model: str | None) -> Path | None:
    if not options.warm_start:
        return None
    if not base_model:
        _LOG.warning("warm start: training starts afresh, since no model has been released yet")
        return None
    return Path(base_model).parent / WEIGHTS
