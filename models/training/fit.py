"""The one training loop, for trainer and tuner, on one device or many."""

import logging
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import tensorflow as tf
import tf_keras
from numpy.typing import NDArray

from models.data.dataset import Source, distribute
from models.data.row_counts import FIX, DueRows, EpochRows, RowsSeen, raising_row_counts, training_counts
from models.network.network import build_network
from models.network.weight_transforms import PLAIN, Treatment, treatment_of
from models.preprocessing.statistics import Statistics
from models.training.callbacks import AveragedWeights, Backup, BestEpoch, FiniteLoss, Profile, Treating
from models.training.schedule import course, settled
from models.training.strategies import is_chief
from models.training.training_options import Training, WarmStart
from models.training.warm_start import Transfer, load_weights
from schema.bound import BoundProblem
from schema.errors import InputError, RowCountError
from schema.problem import Task
from schema.row_ledger import RowCount, require_equal, write_counts
from schema.techniques import Technique

_LOG = logging.getLogger(__name__)
# Steps between two looks of a treatment at the weights, of which one takes as long as a step or two.
_TREATED_EVERY = 25


@dataclass(frozen=True)
class FitPaths:
    """Where a training leaves its traces and what it starts from.

    logs: folder of TensorBoard logs.
    checkpoint: folder from which a killed training resumes; the caller removes it once the model is safe.
    warm_start: file of a baseline's weights (see models.training.warm_start) to start from.
    """

    logs: Path
    checkpoint: Path | None = None
    warm_start: Path | None = None


@dataclass(frozen=True)
class FineTune:
    """A training that goes on from a trained network's weights, with a technique.

    technique: what is done to the weights and values; how is said in `device.fine_tuning`.
    weights: of the network, in order.
    """

    technique: Technique
    weights: Sequence[NDArray[Any]]


class MemberLoss(tf_keras.losses.Loss):
    """Mean over members of each member's own loss: members learn apart and are averaged when they predict."""

    def __init__(self, task: Task, **options: Any) -> None:
        super().__init__(**options)
        self.task = task

    def call(self, labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Losses [N] of labels [N], or a teacher's probabilities [N, classes], and logits [N, members, outputs]."""
        if self.task is Task.MULTICLASS and labels.shape.rank == 2 and labels.shape[1] == logits.shape[2]:
            targets = tf.repeat(labels[:, tf.newaxis], logits.shape[1], axis=1)
            return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, logits), axis=1)
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


class AveragingAdamW(tf_keras.optimizers.AdamW):
    """AdamW whose moving average of the weights is young at first: the starting weights do not linger in it.

    The momentum of step t is at most (1 + t) / (10 + t), as in tf.train.ExponentialMovingAverage. With a fixed 0.99 a
    training of a hundred steps would still hold a third of its random start.
    """

    @property
    def ema_momentum(self) -> tf.Tensor:
        """Momentum of the step at hand."""
        step = tf.cast(self.iterations, tf.float32)
        return tf.minimum(self._ema_momentum, (1.0 + step) / (10.0 + step))

    @ema_momentum.setter
    def ema_momentum(self, value: float) -> None:
        self._ema_momentum = value


class Feed(Protocol):
    """How the rows of a split become batches; `models.data.dataset.distribute` is one."""

    def __call__(
        self,
        strategy: tf.distribute.Strategy,
        source: Source,
        bound: BoundProblem,
        batch_size: int,
        *,
        training: bool,
        seed: int = 0,
        first_step: int = 0,
    ) -> tf.data.Dataset:
        """Batches of ({feature: [B]}, label [B]): without end, shuffled and full for training, else once in order.

        A training that goes on at `first_step` gets the batches that an unbroken one gets from there.
        """


@dataclass(frozen=True)
class Steps:
    """How rows are dealt: the global batch, steps an epoch, and steps a validation."""

    batch: int
    training: int
    validation: int


@dataclass(frozen=True)
class Outcome:
    """How a training went.

    steps: how its rows were dealt.
    eval_losses: after each epoch that it ran, those before it was resumed included.
    transfer: what it took over from an earlier model; None if it was not to.
    missed: why a profile that was asked for is not there; None if nothing is missing.
    """

    steps: Steps
    eval_losses: tuple[float, ...]
    transfer: Transfer | None
    missed: str | None = None


def fit(
    bound: BoundProblem,
    statistics: Statistics,
    train: Source,
    evaluation: Source,
    strategy: tf.distribute.Strategy,
    options: Training,
    paths: FitPaths,
    feed: Feed = distribute,
    fine_tune: FineTune | None = None,
) -> tf_keras.Model:
    """Trains the problem's network and returns it with the weights of its best epoch and its `history`.

    With `fine_tune` the network starts there and is treated; what is returned is a plain network all the same, with
    the weights that the treated one took.

    The global batch is `network.batch_size` rows on each replica; settings that are None follow the rows, see
    models.training.schedule. Every worker of a cluster calls this alike. What is returned is free of the strategy and
    the optimizer, so that any process may save it alone. Beside Keras's `history`, which begins where a training was
    resumed, it has an `outcome` (Outcome).

    Raises:
        InputError: if a split has no rows, or fewer than there are replicas.
        PipelineError: if the loss stops being a finite number.
        RowCountError: if an epoch or a validation was given other rows than its split has.
    """
    tf_keras.utils.set_random_seed(options.seed)
    replicas = strategy.num_replicas_in_sync
    rows = _rows_for(train, replicas)
    plan = course(bound.problem.network, rows, replicas)
    bound, epochs = settled(bound, rows, replicas), plan.epochs
    steps = plan_steps(train, evaluation, plan.batch_size, replicas)
    treatment = _treatment(bound, fine_tune, steps.training * epochs)
    model = compiled(bound, statistics, strategy, options, paths, steps.training * epochs, treatment, fine_tune)
    first = treatment.end // steps.training
    best = BestEpoch(model.get_weights(), plan.patience, epochs, treatment, first=first)
    rows_seen = EpochRows(epochs)
    backup = Backup(model, best, rows_seen, paths.checkpoint, writes=is_chief(strategy)) if paths.checkpoint else None
    finished = resume(backup, strategy) if backup else 0
    if replicas > 1:
        _LOG.info("a step trains on %d rows, over %d replicas", steps.batch, replicas)
    first_step = finished * steps.training
    profiles = _profile(paths.logs, options.profile_steps, steps.training, chief=is_chief(strategy))
    with raising_row_counts():
        history = model.fit(
            feed(strategy, train, bound, steps.batch, training=True, seed=options.seed, first_step=first_step),
            initial_epoch=epochs if best.exhausted else finished,
            epochs=epochs,
            steps_per_epoch=steps.training,
            validation_data=feed(strategy, evaluation, bound, steps.batch, training=False),
            validation_steps=steps.validation,
            callbacks=[
                *profiles,
                FiniteLoss(),
                *([Treating(treatment, steps.training, _TREATED_EVERY)] if fine_tune else []),
                best,
                rows_seen,
                *([AveragedWeights()] if bound.problem.network.averaging else []),
                *([backup] if backup else []),
                *([_tensorboard(paths.logs, steps.training)] if is_chief(strategy) else []),
            ],
            verbose=2,
        )
    due = DueRows(train.rows(), steps.training * steps.batch, evaluation.rows())
    counts = training_counts(rows_seen.history(), due, fine_tune.technique if fine_tune else "")
    _check_counts(counts, paths, chief=is_chief(strategy))
    trained = build_network(bound, statistics)
    trained.set_weights([variable.numpy() for variable in best.weights])
    trained.history = history
    trained.outcome = Outcome(
        steps, best.eval_losses(), getattr(model, "transfer", None), *(one.missed for one in profiles)
    )
    return trained


def _check_counts(counts: Sequence[RowCount], paths: FitPaths, *, chief: bool) -> None:
    """Writes the counts beside the logs if they agree; else removes the checkpoint, so that nothing resumes from it."""
    try:
        require_equal("training", counts, FIX)
    except RowCountError:
        if chief and paths.checkpoint:
            shutil.rmtree(paths.checkpoint, ignore_errors=True)
        raise
    if chief:
        write_counts(counts, paths.logs)


def _treatment(bound: BoundProblem, fine_tune: FineTune | None, steps: int) -> Treatment:
    settings = bound.problem.device.fine_tuning
    return treatment_of(fine_tune.technique, settings, steps) if fine_tune else PLAIN


def plan_steps(train: Source, evaluation: Source, batch_size: int, replicas: int) -> Steps:
    """Whole batches of `batch_size` rows a replica, or of fewer where there are not as many; every row is validated.

    Raises:
        InputError: if a split has fewer rows than there are replicas.
    """
    rows, validated = (_rows_for(source, replicas) for source in (train, evaluation))
    batch = min(batch_size, rows // replicas) * replicas
    # The last step of a validation may lack rows, or have none for some replicas; they step together all the same.
    return Steps(batch, training=rows // batch, validation=math.ceil(validated / batch))


def _rows_for(source: Source, replicas: int) -> int:
    rows = source.rows()
    if rows < replicas:
        raise InputError(f"split '{source.split}': expected a row for each of {replicas} replicas. Received: {rows}")
    return rows


def compiled(
    bound: BoundProblem,
    statistics: Statistics,
    strategy: tf.distribute.Strategy,
    options: Training,
    paths: FitPaths,
    steps: int,
    treatment: Treatment = PLAIN,
    fine_tune: FineTune | None = None,
) -> tf_keras.Model:
    """The problem's network with loss, metrics and an optimizer whose learning rate runs out after `steps` steps."""
    with strategy.scope():
        model = build_network(bound, statistics, treatment)
        if fine_tune is not None:
            model.set_weights(fine_tune.weights)
        elif paths.warm_start is not None:
            required = options.warm_start is WarmStart.REQUIRED
            model.transfer = load_weights(model, paths.warm_start, bound, statistics, required=required)
        model.compile(
            optimizer=_optimizer(bound, steps),
            loss=MemberLoss(bound.problem.task),
            # A teacher's scores have no classes to be told apart.
            metrics=[
                RowsSeen(),
                *([ScoreAuc(name="auc")] if bound.problem.task is Task.BINARY and fine_tune is None else []),
            ],
            jit_compile=options.jit_compile,
        )
        # Now, so that the moving average starts from the weights above, and a checkpoint finds what it restores.
        model.optimizer.build(model.trainable_variables)
    return model


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
    if not sizes.averaging:
        return tf_keras.optimizers.AdamW(schedule, weight_decay=sizes.weight_decay)
    return AveragingAdamW(
        schedule,
        weight_decay=sizes.weight_decay,
        use_ema=True,
        ema_momentum=sizes.averaging,
        ema_overwrite_frequency=None,
    )


def resume(backup: Backup, strategy: tf.distribute.Strategy) -> int:
    """Takes up what an earlier process saved; returns how many epochs it had finished.

    Raises:
        InputError: if the workers of a cluster disagree about that; they would wait for each other for ever.
    """
    finished = backup.restore()

    @tf.function(autograph=False)
    def mean() -> tf.Tensor:
        return strategy.reduce("MEAN", strategy.run(lambda: tf.constant(finished, tf.float32)), axis=None)

    if float(mean()) != finished:
        raise InputError(
            f"{backup.folder}: workers found different checkpoints there. All of them need the same folder."
        )
    if finished:
        _LOG.info("training resumes after epoch %d, from %s", finished, backup.folder)
    return finished


def _profile(folder: Path, count: int, steps: int, *, chief: bool) -> list[Profile]:
    """The callback that profiles `count` of an epoch's steps, if there is anything for this process to profile."""
    return [Profile(folder, min(count, steps), steps)] if count and chief else []


def _tensorboard(folder: Path, steps: int) -> tf_keras.callbacks.Callback:
    # With steps_per_second, or Keras calls no hook of a step and leaves one point an epoch, whatever update_freq says.
    return tf_keras.callbacks.TensorBoard(
        str(folder), update_freq=max(1, steps // 20), write_graph=False, write_steps_per_second=True
    )
