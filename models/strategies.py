"""Distribution strategies by name."""

import json
import os
from enum import StrEnum

import tensorflow as tf

from schema.errors import InputError


class StrategyName(StrEnum):
    """What training.strategy may be."""

    NONE = "none"
    MIRRORED = "mirrored"
    MULTI_WORKER_MIRRORED = "multi_worker_mirrored"
    TPU = "tpu"


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
            check_tf_config()
            return tf.distribute.MultiWorkerMirroredStrategy()
        case StrategyName.TPU:
            return _tpu_strategy(tpu)
        case _:
            return tf.distribute.get_strategy()


def check_tf_config() -> None:
    """Refuses a TF_CONFIG that names no cluster, since TensorFlow would quietly train alone.

    Raises:
        InputError: saying what was found.
    """
    text = os.environ.get("TF_CONFIG", "")
    try:
        cluster = json.loads(text or "{}").get("cluster", {})
    except json.JSONDecodeError as error:
        raise InputError(f"TF_CONFIG: not JSON: {error}. Received: {text!r}") from None
    if not cluster:
        raise InputError(
            "training.strategy: multi_worker_mirrored needs TF_CONFIG with a cluster and a task, such as "
            '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}. '
            f"Received: {text!r}"
        )


def _tpu_strategy(tpu: str) -> tf.distribute.Strategy:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=tpu)
    except ValueError as error:
        raise InputError(f"training.tpu: no TPU found. Received: {tpu!r}. {error}") from None
    tf.config.experimental_connect_to_cluster(resolver)
    tf.tpu.experimental.initialize_tpu_system(resolver)
    return tf.distribute.TPUStrategy(resolver)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes logs and exports the model."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return True
    cluster = resolver.cluster_spec().as_dict()
    return resolver.task_type == "chief" or ("chief" not in cluster and resolver.task_id == 0)
