"""What happens between two epochs: the epoch is judged, the best one kept, and all of it saved against a kill."""

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from models.data.row_counts import EpochRows
from models.network.weight_transforms import PLAIN, Treatment
from schema.errors import PipelineError
from schema.notices import notify

VALIDATION_LOSS = "val_loss"

_LOG = logging.getLogger(__name__)
# The first steps are traced and compiled; what comes after them is what a training does all day.
_WARM_UP_STEPS = 20


class FiniteLoss(tf_keras.callbacks.Callback):
    """Ends a training that has diverged, before anything of it is kept or exported.

    It looks once an epoch: a step's loss is each worker's own, an epoch's is the same on all, so that none goes on
    alone and waits for the others.
    """

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Looks at both losses.

        Raises:
            PipelineError: if one of them is not a finite number.
        """
        for name in ("loss", VALIDATION_LOSS):
            value = (logs or {})[name]
            if not math.isfinite(value):
                raise PipelineError(
                    f"training: {name} is {value} after epoch {epoch + 1}, so no model is exported. Lower "
                    "network.learning_rate, or look for infinite values among the numeric features and the label."
                )


class BestEpoch(tf_keras.callbacks.Callback):
    """Keeps the weights of the epoch with the lowest validation loss; stops `patience` epochs after it.

    Its state is in variables, so that Backup can save it: Keras's EarlyStopping forgets the best weights when a
    training is killed and resumed.

    Args:
        weights: the network's, to begin with.
        patience: epochs.
        epochs: that there are at most.
        treatment: the network's; what is kept are the weights that its forward pass takes.
        first: the first epoch that counts, from 0: before it the treatment is not what it is in the end.
    """

    def __init__(
        self, weights: Sequence[Any], patience: int, epochs: int, treatment: Treatment = PLAIN, first: int = 0
    ) -> None:
        super().__init__()
        self.patience, self.treatment, self.first = patience, treatment, first
        self.loss = tf.Variable(math.inf, dtype=tf.float64, trainable=False)
        self.epochs_since = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.losses = tf.Variable(tf.fill([epochs], tf.constant(math.nan, tf.float64)), trainable=False)
        self.weights = [tf.Variable(value, trainable=False) for value in weights]

    @property
    def exhausted(self) -> bool:
        """Whether `patience` epochs brought nothing better."""
        return int(self.epochs_since) >= self.patience

    def eval_losses(self) -> tuple[float, ...]:
        """The validation loss of each epoch that ran, those of a training that was resumed included."""
        return tuple(loss for loss in self.losses.numpy().tolist() if not math.isnan(loss))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Judges the epoch by the weights that validation has just seen."""
        loss = (logs or {})[VALIDATION_LOSS]
        self.losses.assign(tf.tensor_scatter_nd_update(self.losses, [[epoch]], [loss]))
        if epoch < self.first:
            return
        if loss < float(self.loss):
            self.loss.assign(loss)
            self.epochs_since.assign(0)
            for kept, value in zip(self.weights, self.treatment.kept_weights(self.model), strict=True):
                kept.assign(value)
        else:
            self.epochs_since.assign_add(1)
        self.model.stop_training = self.exhausted


class Treating(tf_keras.callbacks.Callback):
    """Has a treatment look at the weights: at the beginning of an epoch, every few steps of it, and where it ends.

    So what it makes of them at the beginning of an epoch does not depend on the steps before it, and a training that
    is killed goes on as an unbroken one does.
    """

    def __init__(self, treatment: Treatment, steps: int, every: int) -> None:
        super().__init__()
        self.treatment, self.steps, self.every = treatment, steps, every
        self.epoch = 0
        # As in Profile: this callback asks for no step's numbers.
        self._supports_tf_logs = True

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Notes which epoch it is."""
        del logs
        self.epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Looks, if it is time."""
        del logs
        step = self.epoch * self.steps + batch
        if batch % self.every == 0 or step == self.treatment.end:
            self.treatment.update(step)


class AveragedWeights(tf_keras.callbacks.Callback):
    """Lets validation, and what is judged by it, see the moving average of the weights; training keeps its own.

    It stands after BestEpoch, which keeps the average, and before Backup, which saves training's own weights.
    """

    def on_test_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Puts the average in."""
        del logs
        self.own = self.model.get_weights()
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Puts training's own weights back."""
        del epoch, logs
        self.model.set_weights(self.own)


class Backup(tf_keras.callbacks.Callback):
    """Saves after each epoch all that a killed training needs to go on from there.

    Keras's BackupAndRestore saves less (not the best epoch) and removes it before the model is exported.
    """

    def __init__(self, model: tf_keras.Model, best: BestEpoch, rows: EpochRows, folder: Path, *, writes: bool) -> None:
        super().__init__()
        self.folder, self.writes = folder, writes
        self.epochs = tf.Variable(0, dtype=tf.int64, trainable=False)
        # Lists of variables and not the model: its metrics can only be read by all workers at once, and one writes.
        self.checkpoint = tf.train.Checkpoint(
            weights=list(model.weights),
            optimizer=list(model.optimizer.variables),
            epochs=self.epochs,
            best_loss=best.loss,
            eval_losses=best.losses,
            best_weights=best.weights,
            epochs_since_best=best.epochs_since,
            rows=rows.rows,
        )
        # Made here, outside the strategy's scope, where a variable is made by all workers at once or never.
        self.checkpoint.save_counter  # noqa: B018 (the property makes the variable)
        self.manager = tf.train.CheckpointManager(self.checkpoint, str(folder), max_to_keep=1)

    def restore(self) -> int:
        """Takes up what was saved, if anything was; returns how many epochs that training had finished.

        A damaged checkpoint is announced, and the training begins anew.
        """
        saved = self.manager.latest_checkpoint
        fault = checkpoint_fault(saved) if saved else None
        if fault:
            notify(f"{saved}: damaged: {fault}; the training begins anew")
        elif saved:
            self.checkpoint.restore(saved).assert_consumed()
        return int(self.epochs)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Saves."""
        del logs
        self.epochs.assign(epoch + 1)
        if self.writes:
            self.manager.save()


def checkpoint_fault(prefix: str) -> str | None:
    """What is wrong with a checkpoint, by the checksums that it has; before a restore has put half of it in place."""
    try:
        reader = tf.train.load_checkpoint(prefix)
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        return str(error).splitlines()[0]
    return None


class Profile(tf_keras.callbacks.Callback):
    """Profiles steps of the first epoch of this process, with what the input pipeline did meanwhile.

    It profiles the process that it is in and nothing beyond: the other workers of a cluster do not notice. A profile
    that cannot be taken or written costs a warning (`missed`), never the training.

    Args:
        folder: of TensorBoard's logs; the profile lies below it in plugins/profile.
        count: how many steps, at most `steps`.
        steps: of an epoch.
    """

    def __init__(self, folder: Path, count: int, steps: int) -> None:
        super().__init__()
        self.folder = folder
        self.first = min(_WARM_UP_STEPS, steps - count)
        self.last = self.first + count - 1
        self.done = self.running = False
        self.missed: str | None = None
        # What Keras asks of a callback that can do with tensors; for others it waits for every step's numbers.
        self._supports_tf_logs = True

    # Keras marks each step in a profile, callbacks included: a step is whole if the profile begins during the step
    # before it and ends during the one after.

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Begins here if there is no step before the first."""
        del epoch, logs
        if self.first == 0:
            self._begin()

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Ends during the step after the last."""
        del logs
        if batch == self.last + 1:
            self._end()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Begins during the step before the first; awaits the last one, which so far was only asked for."""
        if batch == self.first - 1:
            self._begin()
        elif batch == self.last and self.running:
            tf.nest.map_structure(np.asarray, logs)

    def on_test_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Ends here if the epoch has no step after the last."""
        del logs
        self._end()

    def _begin(self) -> None:
        if self.done:
            return
        self.done = True
        try:
            tf.profiler.experimental.start(str(self.folder))
            self.running = True
        except tf.errors.OpError as error:
            self._miss(f"no profile is taken, for the profiler did not start: {error.message}")

    def _end(self) -> None:
        if not self.running:
            return
        self.running = False
        try:
            tf.profiler.experimental.stop()
        except tf.errors.OpError as error:
            self._miss(f"the profile was not written to {self.folder}: {error.message}")

    def _miss(self, why: str) -> None:
        self.missed = f"training: {why}"
        _LOG.warning("%s", self.missed)
