"""The one training loop, for trainer and tuner, on one device or many."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
import tf_keras

from models.input import Source, make_dataset
from models.network import build_network
from models.statistics import Statistics
from models.strategies import is_chief
from models.training_options import Training
from schema.bound import BoundProblem
from schema.problem import Task


@dataclass(frozen=True)
class FitPaths:
    """Where a training leaves its traces: TensorBoard logs and the checkpoint that a killed one resumes from."""

    logs: Path
    checkpoint: Path | None = None
    warm_start: Path | None = None


class MemberLoss(tf_keras.losses.Loss):
    """Mean over members of each member's own loss: members learn apart and are averaged when they predict."""

    def __init__(self, task: Task, **options: Any) -> None:
        super().__init__(**options)
        self.task = task

    def call(self, labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Losses [N] of labels [N] and logits [N, members, outputs]."""
        spread = tf.repeat(tf.reshape(labels, [-1, 1]), logits.shape[1], axis=1)
        if self.task is Task.MULTICLASS:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(spread, tf.int64), logits)
        elif self.task is Task.BINARY:
            targets = tf.cast(spread, tf.float32)
            losses = tf.nn.sigmoid_cross_entropy_with_logits(targets, tf.squeeze(logits, -1))
        else:
            losses = tf.square(tf.squeeze(logits, -1) - tf.cast(spread, tf.float32))
        return tf.reduce_mean(losses, axis=1)


def member_mean(logits: tf.Tensor, task: Task) -> tf.Tensor:
    """Scores [N, outputs] of logits [N, members, outputs]: probabilities, or standardised values."""
    if task is Task.BINARY:
        return tf.reduce_mean(tf.sigmoid(logits), axis=1)
    if task is Task.MULTICLASS:
        return tf.reduce_mean(tf.nn.softmax(logits, axis=-1), axis=1)
    return tf.reduce_mean(logits, axis=1)


class ScoreAuc(tf_keras.metrics.AUC):
    """AUC of the members' mean probability."""

    def update_state(self, labels: tf.Tensor, logits: tf.Tensor, sample_weight: tf.Tensor | None = None) -> Any:
        """Adds a batch of labels [N] and logits [N, members, 1]."""
        return super().update_state(labels, member_mean(logits, Task.BINARY)[:, 0], sample_weight)


def fit(
    bound: BoundProblem,
    statistics: Statistics,
    train: Source,
    evaluation: Source,
    strategy: tf.distribute.Strategy,
    options: Training,
    paths: FitPaths,
) -> tf_keras.Model:
    """Trains the problem's network and returns it with the weights of its best epoch.

    The global batch is `network.batch_size` rows on each replica. Every worker of a cluster calls this alike.
    """
    tf_keras.utils.set_random_seed(options.seed)
    sizes = bound.problem.network
    train_rows = train.rows()
    batch = min(sizes.batch_size * strategy.num_replicas_in_sync, train_rows)
    steps = max(1, train_rows // batch)
    with strategy.scope():
        model = build_network(bound, statistics)
        if paths.warm_start is not None:
            model.load_weights(str(paths.warm_start)).expect_partial()
        model.compile(
            optimizer=_optimizer(bound, steps * sizes.epochs),
            loss=MemberLoss(bound.problem.task),
            metrics=[ScoreAuc(name="auc")] if bound.problem.task is Task.BINARY else [],
            jit_compile=options.jit_compile,
        )
    model.fit(
        _distributed(strategy, train, bound, batch, training=True, seed=options.seed),
        epochs=sizes.epochs,
        steps_per_epoch=steps,
        validation_data=_distributed(strategy, evaluation, bound, batch, training=False, seed=options.seed),
        validation_steps=_evaluation_steps(strategy, evaluation, batch),
        callbacks=_callbacks(bound, strategy, paths, steps),
        verbose=2,
    )
    return model


def _evaluation_steps(strategy: tf.distribute.Strategy, source: Source, batch: int) -> int | None:
    # Workers must step together: all take the number of whole batches that each one's share has.
    if not strategy.extended._in_multi_worker_mode():
        return None
    return max(1, math.floor(source.rows() / batch))


def _distributed(
    strategy: tf.distribute.Strategy, source: Source, bound: BoundProblem, batch: int, *, training: bool, seed: int
) -> tf.data.Dataset:
    if strategy.num_replicas_in_sync == 1 and not strategy.extended._in_multi_worker_mode():
        return make_dataset(source, bound, batch, training=training, seed=seed)
    return strategy.distribute_datasets_from_function(
        lambda context: make_dataset(source, bound, batch, training=training, seed=seed, context=context)
    )


def _optimizer(bound: BoundProblem, steps: int) -> tf_keras.optimizers.Optimizer:
    sizes = bound.problem.network
    warmup = max(1, steps // 20)
    schedule = tf_keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=sizes.learning_rate / 10,
        decay_steps=max(1, steps - warmup),
        warmup_target=sizes.learning_rate,
        warmup_steps=warmup,
        alpha=0.02,
    )
    return tf_keras.optimizers.AdamW(schedule, weight_decay=sizes.weight_decay)


def _callbacks(
    bound: BoundProblem, strategy: tf.distribute.Strategy, paths: FitPaths, steps: int
) -> list[tf_keras.callbacks.Callback]:
    stop = tf_keras.callbacks.EarlyStopping(
        "val_loss", patience=bound.problem.network.patience, restore_best_weights=True
    )
    callbacks = [stop, tf_keras.callbacks.TerminateOnNaN()]
    if paths.checkpoint is not None:
        callbacks.append(tf_keras.callbacks.BackupAndRestore(str(paths.checkpoint)))
    if is_chief(strategy):
        every = max(1, steps // 20)
        callbacks.append(tf_keras.callbacks.TensorBoard(str(paths.logs), update_freq=every, write_graph=False))
    return callbacks
