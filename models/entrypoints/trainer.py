"""The door that TFX's Trainer knocks at: run_fn to the one fit, then the export."""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from models.data.dataset import training_source
from models.entrypoints.local_cluster import train_in_processes
from models.entrypoints.training_job import as_json
from models.export.export import RowModel, export
from models.export.trainable import TrainableModel, export_trainable
from models.preprocessing.statistics import read_statistics
from models.training.fit import FitPaths, fit
from models.training.strategies import (
    StrategyName,
    is_chief,
    make_strategy,
    names_chief,
    noticing_lost_workers,
    read_tf_config,
)
from models.training.training_findings import recorded, training_warnings
from models.training.training_options import Training, WarmStart
from models.training.warm_start import nothing_taken, save_weights
from schema import signatures
from schema.bound import BoundProblem
from schema.durable import write_file
from schema.errors import InputError
from schema.problem import Network
from schema.rows import columns
from schema.run_warnings import write_warnings
from schema.training_record import write_training_record

_LOG = logging.getLogger(__name__)
_NO_EARLIER_MODEL = "no other model was released before this one"


def run_fn(fn_args: Any) -> None:
    """Trains and exports the model.

    `fn_args.custom_config` holds `bound` (BoundProblem) and `training` (Training) as JSON, and `checkpoints`, a folder
    that outlives the execution, so that a killed training resumes where its last finished epoch ended. The chief of a
    cluster lays its arguments out there for the other workers (see models.entrypoints.worker). With
    `training.local_workers` processes of their own train (see models.entrypoints.local_cluster), and this one waits
    for them.
    """
    run(fn_args, train)


def run(fn_args: Any, work: Callable[[Any], None]) -> None:
    """Does the work of a training in this process, with others beside it if need be; or has local workers do it.

    Args:
        fn_args: see run_fn.
        work: what a process does with them; the others know it by models.entrypoints.worker_task.
    """
    options = Training.model_validate_json(fn_args.custom_config["training"])
    if options.local_workers:
        train_in_processes(as_json(fn_args), options)
        return
    with _offered(fn_args, options):
        work(fn_args)


def train(fn_args: Any) -> None:
    """Trains in this process, as the one it is of its cluster; the chief exports.

    Raises:
        InputError: if a warm start is required and there is no earlier model, or not all of it could be taken over.
        WorkerLostError: if another worker of the cluster is gone.
    """
    options = Training.model_validate_json(fn_args.custom_config["training"])
    # First of all: TensorFlow joins a cluster before it computes anything, or not at all.
    strategy = make_strategy(options.strategy, options.tpu)
    bound = with_tuned(BoundProblem.model_validate_json(fn_args.custom_config["bound"]), fn_args.hyperparameters)
    statistics = read_statistics(Path(fn_args.transform_output))
    checkpoint = checkpoint_folder(fn_args)
    train, evaluation = training_source(fn_args.train_files), training_source(fn_args.eval_files)
    start = _warm_start(options, fn_args.base_model)
    paths = FitPaths(logs=Path(fn_args.model_run_dir), checkpoint=checkpoint, warm_start=start)
    with noticing_lost_workers(strategy):
        network = fit(bound, statistics, train, evaluation, strategy, options, paths)
    if is_chief(strategy):
        transfer = network.outcome.transfer
        if options.warm_start is not WarmStart.OFF and start is None:
            transfer = nothing_taken(len(network.weights), _NO_EARLIER_MODEL)
        record = recorded(network, bound, statistics, train, evaluation, strategy.num_replicas_in_sync, transfer)
        write_training_record(record, paths.logs)
        missed = [network.outcome.missed] if network.outcome.missed else []
        write_warnings([*training_warnings(record), *missed], paths.logs)
        folder = Path(fn_args.serving_model_dir).parent
        schema = text_format.Parse(Path(fn_args.schema_file).read_text(encoding="utf-8"), schema_pb2.Schema())
        export(RowModel(bound, statistics, network), columns(schema), folder)
        # Always: the Trainer does not know of device.trainable, so that who sets it later trains nothing anew.
        export_trainable(TrainableModel(bound, statistics, network), folder)
        save_weights(network, folder / signatures.WEIGHTS, bound, statistics)
        shutil.rmtree(checkpoint, ignore_errors=True)


def job_file(checkpoints: Path) -> Path:
    """The file in which a chief lays out its `cluster` and its `fn_args` for the other workers."""
    return checkpoints / "workers" / "job.json"


@contextmanager
def _offered(fn_args: Any, options: Training) -> Iterator[None]:
    """Has the chief's job lie there while it trains, from before it listens at its address: it then awaits the others.

    So whoever finds the chief listening, and only then reads the file, reads no job of a chief that was killed.
    """
    config = read_tf_config() if options.strategy == StrategyName.MULTI_WORKER_MIRRORED else None
    if config is None or not names_chief(config):
        yield
        return
    file = job_file(Path(fn_args.custom_config["checkpoints"]))
    file.parent.mkdir(parents=True, exist_ok=True)
    job = {"cluster": config["cluster"], "fn_args": as_json(fn_args)}
    write_file(file, json.dumps(job))
    try:
        yield
    finally:
        shutil.rmtree(file.parent, ignore_errors=True)


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
    # A training that was given up goes on with more restarts, and one that is looked at is the same one.
    options = Training.model_validate_json(fn_args.custom_config["training"]).identity()
    identity = [
        {**fn_args.custom_config, "training": options.model_dump_json()},
        fn_args.hyperparameters,
        (fn_args.base_model, _digest_of_weights(fn_args.base_model)),
        # A path alone may hold other rows than it did: a deleted metadata store counts its executions anew.
        [(name, tf.io.gfile.stat(name).length) for name in names],
    ]
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return Path(fn_args.custom_config["checkpoints"]) / digest[:16]


def base_weights(base_model: str) -> Path:
    """The file of weights of a base model, given as TFX does: by its served form."""
    return Path(base_model).parent / signatures.WEIGHTS


def _digest_of_weights(base_model: str | None) -> str:
    file = base_weights(base_model) if base_model else None
    return hashlib.sha256(file.read_bytes()).hexdigest() if file and file.is_file() else ""


def _warm_start(options: Training, base_model: str | None) -> Path | None:
    if options.warm_start is WarmStart.OFF:
        return None
    if base_model:
        return base_weights(base_model)
    if options.warm_start is WarmStart.REQUIRED:
        raise InputError(f"training.warm_start=required: {_NO_EARLIER_MODEL}. Release one with if_possible first.")
    _LOG.info("warm start: training starts afresh: %s", _NO_EARLIER_MODEL)
    return None
