"""Distribution strategies by name."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

import tensorflow as tf

from schema.errors import InputError, PipelineError


class StrategyName(StrEnum):
    """What training.strategy may be."""

    NONE = "none"
    MIRRORED = "mirrored"
    MULTI_WORKER_MIRRORED = "multi_worker_mirrored"
    TPU = "tpu"


# All that TensorFlow says of a port that it cannot have.
_NO_SERVER = "Could not start gRPC server"
# How TensorFlow gives the reason for which no worker can exchange gradients any more.
_ABORTED = re.compile(r"Collective ops is aborted by: (.*?)\.?$", re.MULTILINE)
# Addresses at which this process has joined a cluster: it goes on listening there, and knows the workers of that time.
_JOINED: set[str] = set()
_EXAMPLE = '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'


class AddressInUseError(InputError):
    """Somebody else listens at the address that TF_CONFIG gives this process."""


class WorkerLostError(PipelineError):
    """Another worker of the cluster is gone; what is left cannot train on."""


def make_strategy(name: str, tpu: str = "") -> tf.distribute.Strategy:
    """The strategy called `name`.

    Args:
        name: a StrategyName. `multi_worker_mirrored` takes its cluster from TF_CONFIG.
        tpu: address or name of the TPU; empty lets the resolver look at the environment.

    Raises:
        InputError: if the cluster or the TPU that the strategy needs is not there.
    """
    match StrategyName(name):
        case StrategyName.MIRRORED:
            return tf.distribute.MirroredStrategy()
        case StrategyName.MULTI_WORKER_MIRRORED:
            return _multi_worker_strategy()
        case StrategyName.TPU:
            return _tpu_strategy(tpu)
        case _:
            return tf.distribute.get_strategy()


def _multi_worker_strategy() -> tf.distribute.Strategy:
    config = read_tf_config()
    if own_address(config) in _JOINED:
        raise InputError(
            f"training.strategy: this process has trained in a cluster as {own_address(config)} already, and the other "
            "workers of that training have ended. A process does so once: run the rest with --from, and start the "
            "workers anew."
        )
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.UnknownError as error:
        if error.message != _NO_SERVER:
            raise
        raise AddressInUseError(
            f"TF_CONFIG: the port of this process's address, {own_address(config)}, is taken. Choose another for all "
            "workers alike, or end what listens there."
        ) from None
    except RuntimeError as error:
        raise InputError(
            "training.strategy: multi_worker_mirrored needs a process of its own, in which TensorFlow has not computed "
            f"yet. {error}"
        ) from None
    _JOINED.add(own_address(config))
    return strategy


def read_tf_config() -> dict[str, Any]:
    """TF_CONFIG, which names a cluster and a task in it; without them TensorFlow would quietly train alone.

    Raises:
        InputError: saying what was found.
    """
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise InputError(f"TF_CONFIG: not JSON: {error}. Received: {text!r}") from None
    if not _names_a_task(config):
        raise InputError(
            "training.strategy: multi_worker_mirrored needs TF_CONFIG with a cluster and a task of it, such as "
            f"{_EXAMPLE}. Received: {text!r}"
        )
    return dict(config)


def chief_address(config: Mapping[str, Any]) -> str:
    """host:port of the chief of a TF_CONFIG's cluster: its chief, or worker 0 where there is none."""
    return str((config["cluster"].get("chief") or config["cluster"]["worker"])[0])


def own_address(config: Mapping[str, Any]) -> str:
    """host:port of the task that a TF_CONFIG gives its process."""
    task = config["task"]
    return str(config["cluster"][task["type"]][int(task["index"])])


def names_chief(config: Mapping[str, Any]) -> bool:
    """Whether a TF_CONFIG makes its process the chief, as is_chief says once there is a strategy."""
    kind = "chief" if config["cluster"].get("chief") else "worker"
    return bool(config["task"]["type"] == kind and int(config["task"]["index"]) == 0)


def _names_a_task(config: Any) -> bool:
    try:
        kind, index = config["task"]["type"], int(config["task"]["index"])
        return index in range(len(config["cluster"][kind])) and bool(chief_address(config))
    except (KeyError, IndexError, TypeError, ValueError):
        return False


def _tpu_strategy(tpu: str) -> tf.distribute.Strategy:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=tpu)
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except (ValueError, OSError, ImportError, RuntimeError, tf.errors.OpError) as error:
        # The first line says it; what follows lists every kernel that there is.
        reason = str(error).partition("\n")[0]
        raise InputError(f"training.tpu: no TPU found. Received: {tpu!r}. {reason}") from None
    return tf.distribute.TPUStrategy(resolver)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes logs, checkpoints and the model."""
    return bool(strategy.extended.should_checkpoint)


@contextmanager
def noticing_lost_workers(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Says in a sentence that a worker of the cluster is gone, which TensorFlow notices some ten seconds later.

    Raises:
        WorkerLostError: in place of TensorFlow's error.
    """
    try:
        yield
    except tf.errors.OpError as error:
        reason = _ABORTED.search(error.message)
        if not strategy.extended._in_multi_worker_mode() or not (reason or error.code == tf.errors.UNAVAILABLE):
            raise
        told = reason[1] if reason else error.message.partition("\n")[0]
        raise WorkerLostError(
            f"training: another worker of the cluster is gone: {told}. Its own log says why. Start all workers again: "
            "training goes on after its last finished epoch."
        ) from error
