"""Trains in a process of its own, where devices and clusters can be set up; the last line of output is JSON.

Usage: python -m tests.models.training_script mirrored FOLDER | fine_tuned FOLDER | run_fn FILE.json | chief FILE.json
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import tensorflow as tf
import tf_keras

from models.data.dataset import distribute, training_source
from models.entrypoints import trainer
from models.network.network import build_network
from models.training.fit import FineTune, FitPaths, fit, resume
from models.training.strategies import is_chief, make_strategy
from models.training.training_options import Training
from schema.errors import InputError
from schema.techniques import Technique
from tests.models import training_case


def mirrored(folder: Path) -> dict[str, Any]:
    """Trains two replicas of 8 rows, and one of 16 from the same weights."""
    strategy = two_processors()
    return {
        "replicas": strategy.num_replicas_in_sync,
        "two of 8": trained(strategy, folder, batch_size=8),
        "one of 16": trained(make_strategy("none"), folder, batch_size=16),
    }


def fine_tuned(folder: Path) -> dict[str, Any]:
    """Fine-tunes two replicas of 8 rows, and one of 16 from the same weights."""
    strategy = two_processors()
    return {
        "replicas": strategy.num_replicas_in_sync,
        "two of 8": tuned(Technique.CLUSTERED, strategy, folder, batch_size=8),
        "one of 16": tuned(Technique.CLUSTERED, make_strategy("none"), folder, batch_size=16),
        "pruned": tuned(Technique.PRUNED_QUANTIZATION_AWARE, strategy, folder, batch_size=8),
    }


def tuned(technique: Technique, strategy: tf.distribute.Strategy, folder: Path, **network: Any) -> dict[str, Any]:
    """Losses and weights of a fine-tuning, and its first kernel, from weights that all of them start from."""
    train, evaluation = (training_source([f"{folder}/Split-{split}/*"]) for split in ("train", "eval"))
    bound = training_case.bound_problem(averaging=0.9, epochs=3, learning_rate=0.01, **network)
    tf_keras.utils.set_random_seed(3)
    start = build_network(bound, training_case.STATISTICS).get_weights()
    paths, fine_tune = FitPaths(logs=folder / "logs"), FineTune(technique, start)
    found = fit(bound, training_case.STATISTICS, train, evaluation, strategy, Training(), paths, fine_tune=fine_tune)
    kernel = found.get_layer("deep_1").kernel.numpy().tolist()
    return {"history": found.history.history, "weights": as_lists(found), "kernel": kernel}


def two_processors() -> tf.distribute.Strategy:
    """A strategy over two logical devices of the one processor."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def trained(strategy: tf.distribute.Strategy, folder: Path, **network: Any) -> dict[str, Any]:
    """Losses and weights of a training."""
    train, evaluation = (training_source([f"{folder}/Split-{split}/*"]) for split in ("train", "eval"))
    bound = training_case.bound_problem(averaging=0.9, epochs=3, **network)
    paths = FitPaths(logs=folder / "logs", warm_start=folder / "start.npz")
    found = fit(bound, training_case.STATISTICS, train, evaluation, strategy, Training(), paths)
    return {"history": found.history.history, "weights": as_lists(found)}


def run_fn(file: Path) -> dict[str, Any]:
    """Calls run_fn as TFX does, and looks at what it trained with."""
    fn_args = SimpleNamespace(**json.loads(file.read_text(encoding="utf-8")))
    seen: dict[str, Any] = {}

    def watched(*arguments: Any) -> Any:
        seen["arguments"], seen["network"] = arguments, fit(*arguments)
        return seen["network"]

    trainer.fit = watched
    trainer.run_fn(fn_args)
    bound, _, train, _, strategy, *_ = seen["arguments"]
    return {
        "disagreement": disagreement(strategy),
        "chief": is_chief(strategy),
        "replicas": strategy.num_replicas_in_sync,
        "history": seen["network"].history.history,
        "weights": as_lists(seen["network"]),
        "distances": [
            float(distance)
            for features, _ in distribute(strategy, train, bound, bound.problem.network.batch_size, training=False)
            for replica in strategy.experimental_local_results(features["distance"])
            for distance in replica.numpy()
        ],
    }


def chief(file: Path) -> dict[str, Any]:
    """Calls run_fn as TFX does, and computes alone afterwards, as the pipeline's later nodes do."""
    fn_args = SimpleNamespace(**json.loads(file.read_text(encoding="utf-8")))
    trainer.run_fn(fn_args)
    served = tf.saved_model.load(fn_args.serving_model_dir)
    return {"signatures": sorted(served.signatures), "sum": int(tf.reduce_sum(tf.range(4)))}


def disagreement(strategy: tf.distribute.Strategy) -> str | None:
    """What is said where the chief finds a checkpoint of three epochs and any other worker none."""
    backup = SimpleNamespace(restore=lambda: 3 if is_chief(strategy) else 0, folder="checkpoints")
    try:
        resume(backup, strategy)
    except InputError as error:
        return str(error)
    return None


def as_lists(network: Any) -> list[Any]:
    """The weights, for JSON."""
    return [values.tolist() for values in network.get_weights()]


if __name__ == "__main__":
    role, argument = sys.argv[1:]
    answer = {"mirrored": mirrored, "fine_tuned": fine_tuned, "run_fn": run_fn, "chief": chief}[role](Path(argument))
    print(json.dumps(answer))  # noqa: T201
