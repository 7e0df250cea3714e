"""The door that TFX's Trainer knocks at: run_fn to the one fit, then the export."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from models.export import RowModel, export
from models.fit import FitPaths, fit
from models.input import Source
from models.statistics import read_statistics
from models.strategies import is_chief, make_strategy
from models.training_options import Training
from schema.bound import BoundProblem
from schema.errors import InputError
from schema.problem import Network
from schema.rows import columns

WEIGHTS = "weights/weights"


def run_fn(fn_args: Any) -> None:
    """Trains and exports the model.

    `fn_args.custom_config` holds `bound` (BoundProblem) and `training` (Training) as JSON, and `checkpoints`, a folder
    that outlives the execution, so that a killed training resumes where its last finished epoch ended.
    """
    config = fn_args.custom_config
    bound = with_tuned(BoundProblem.model_validate_json(config["bound"]), fn_args.hyperparameters)
    options = Training.model_validate_json(config["training"])
    statistics = read_statistics(Path(fn_args.transform_output), bound)
    strategy = make_strategy(options.strategy, options.tpu)
    folder = Path(fn_args.serving_model_dir).parent
    network = fit(
        bound,
        statistics,
        _source(fn_args.train_files),
        _source(fn_args.eval_files),
        strategy,
        options,
        FitPaths(
            logs=Path(fn_args.model_run_dir),
            checkpoint=checkpoint_folder(config, fn_args.train_files),
            warm_start=_warm_start(options, fn_args.base_model),
        ),
    )
    if is_chief(strategy):
        schema = text_format.Parse(Path(fn_args.schema_file).read_text(encoding="utf-8"), schema_pb2.Schema())
        export(RowModel(bound, statistics, network), columns(schema), folder)
        network.save_weights(str(folder / WEIGHTS))


def with_tuned(bound: BoundProblem, hyperparameters: Mapping[str, Any] | None) -> BoundProblem:
    """The problem with the network settings that a tuner found, if one ran."""
    values = (hyperparameters or {}).get("values", {})
    if not values:
        return bound
    network = Network.from_mapping({**bound.problem.network.model_dump(mode="json"), **values}, "tuned network")
    return bound.model_copy(update={"problem": bound.problem.model_copy(update={"network": network})})


def checkpoint_folder(config: Mapping[str, Any], files: list[str]) -> Path:
    """A folder of this training's own: the same for the same data, config and source, another for any other."""
    identity = json.dumps([dict(config), sorted(files)], sort_keys=True)
    return Path(config["checkpoints"]) / hashlib.sha256(identity.encode()).hexdigest()[:16]


def _source(patterns: list[str]) -> Source:
    files = sorted(Path(name) for pattern in patterns for name in tf.io.gfile.glob(pattern))
    if not files:
        raise InputError(f"no examples to train on in {patterns}. Widen --span-window or the split's buckets.")
    return Source(tuple(files))


def _warm_start(options: Training, base_model: str | None) -> Path | None:
    if not options.warm_start or not base_model:
        return None
    return Path(base_model).parent / WEIGHTS
