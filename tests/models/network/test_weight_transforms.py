"""Techniques in a network and in the one fit: what they promise of the weights, averaged, killed and resumed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from numpy.typing import NDArray

from models.data.dataset import Source, make_dataset, training_source
from models.network.ensemble_layers import MemberDense
from models.network.network import build_network
from models.network.weight_transforms import PLAIN, QuantizationAware, treatment_of
from models.preprocessing.statistics import Statistics
from models.training.callbacks import FiniteLoss
from models.training.fit import FineTune, FitPaths, MemberLoss, fit
from models.training.strategies import make_strategy
from models.training.training_options import Training
from schema.bound import BoundProblem
from schema.problem import Device, FineTuning, Pattern, Task
from schema.techniques import Technique
from tests.models.training_case import DISTANCES, bound_problem, in_a_process_of_its_own, rows, write_shards

TERMS = tuple(b"T%d" % number for number in range(30))
STATISTICS = Statistics(vocabularies={"carrier": TERMS}, boundaries={"distance": DISTANCES})
SETTINGS = FineTuning(sparsity=0.6, clusters=5)
PRUNED = [Technique.PRUNED, Technique.PRUNED_QUANTIZATION_AWARE]
LARGE = ("kernel:0", "embeddings:0")


@pytest.fixture(scope="module")
def train(examples: Path) -> Source:
    """64 rows."""
    return training_source([f"{examples}/Split-train/*"])


@pytest.fixture(scope="module")
def evaluation(examples: Path) -> Source:
    """21 rows of the same kind."""
    return training_source([f"{examples}/Split-eval/*"])


@pytest.fixture(scope="module")
def contrary(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """21 rows with the labels the other way round: each epoch is worse than the one before."""
    return write_shards(tmp_path_factory.mktemp("contrary"), "eval", [rows(21, flipped=True)])


@pytest.fixture(scope="module")
def base() -> list[NDArray[Any]]:
    """Weights to start from."""
    tf_keras.utils.set_random_seed(11)
    weights: list[NDArray[Any]] = build_network(problem(), STATISTICS).get_weights()
    return weights


def problem(settings: FineTuning = SETTINGS, **network: Any) -> BoundProblem:
    """The tiny problem with these settings of fine-tuning; two layers, the moving average on."""
    found = bound_problem(**{"hidden_units": (6, 5), "averaging": 0.9, "batch_size": 16, **network})
    device = Device(fine_tuning=settings)
    return found.model_copy(update={"problem": found.problem.model_copy(update={"device": device})})


def tuned(
    technique: Technique,
    base: Sequence[NDArray[Any]],
    sources: tuple[Source, Source],
    folder: Path,
    settings: FineTuning = SETTINGS,
    **network: Any,
) -> tf_keras.Model:
    """What fit makes of the base."""
    paths = FitPaths(logs=folder / "logs", checkpoint=folder / "checkpoint")
    options, strategy, bound = Training(), make_strategy("none"), problem(settings, **network)
    return fit(bound, STATISTICS, *sources, strategy, options, paths, fine_tune=FineTune(technique, base))


def treated(network: tf_keras.Model) -> dict[str, NDArray[np.float32]]:
    """Kernels of the deep layers and embeddings by name."""
    named = {variable.name: variable.numpy() for variable in network.weights if variable.name.endswith(LARGE)}
    return {name: values for name, values in named.items() if not name.startswith(("wide_numbers", "head"))}


def loss_on(network: tf_keras.Model, source: Source) -> float:
    """Mean loss over all rows."""
    features, label = next(iter(make_dataset(source, problem(), 1000, training=False)))
    return float(tf.reduce_mean(MemberLoss(Task.BINARY).call(label, network(features))))


@pytest.mark.parametrize("technique", Technique)
def test_the_weights_are_those_of_the_plain_network(technique: Technique) -> None:
    plain = build_network(problem(), STATISTICS)
    found = build_network(problem(), STATISTICS, treatment_of(technique, SETTINGS, 10))

    assert [(weight.name, weight.shape) for weight in found.weights] == [(w.name, w.shape) for w in plain.weights]
    assert [w.name for w in found.trainable_weights] == [w.name for w in plain.trainable_weights]


@pytest.mark.parametrize("technique", PRUNED)
def test_exactly_a_share_of_each_large_weight_is_0(
    technique: Technique, base: list[NDArray[Any]], train: Source, evaluation: Source, tmp_path: Path
) -> None:
    found = tuned(technique, base, (train, evaluation), tmp_path)

    weights = treated(found)
    assert sorted(weights) == [
        "deep_1/kernel:0",
        "deep_2/kernel:0",
        "deep_embedding_carrier/embeddings:0",
        "deep_embedding_hour/embeddings:0",
        "wide_embedding_carrier/embeddings:0",
        "wide_embedding_hour/embeddings:0",
    ]
    for values in weights.values():
        assert int((values == 0).sum()) == round(0.6 * values.size)
    others = [variable.numpy() for variable in found.weights if "scale" in variable.name]
    assert all((values != 0).all() for values in others)


def test_two_of_every_four_inputs_of_a_dense_layer_stay(
    base: list[NDArray[Any]], train: Source, evaluation: Source, tmp_path: Path
) -> None:
    found = tuned(Technique.PRUNED, base, (train, evaluation), tmp_path, FineTuning(pattern=Pattern.TWO_OF_FOUR))

    for name, values in treated(found).items():
        if name.endswith("kernel:0"):
            whole = values[: len(values) // 4 * 4].reshape(-1, 4, values.shape[1])
            assert ((whole != 0).sum(axis=1) == 2).all()
        else:
            assert int((values == 0).sum()) == round(FineTuning().sparsity * values.size)


def test_each_large_weight_takes_a_few_values(
    base: list[NDArray[Any]], train: Source, evaluation: Source, tmp_path: Path
) -> None:
    found = tuned(Technique.CLUSTERED, base, (train, evaluation), tmp_path)

    distinct = {name: len(np.unique(values)) for name, values in treated(found).items()}
    assert max(distinct.values()) == 5
    assert distinct["wide_embedding_hour/embeddings:0"] == 5  # of 5 weights: none is worth a centroid


@pytest.mark.parametrize("technique", [Technique.PRUNED, Technique.CLUSTERED])
def test_the_plain_network_answers_as_the_treated_one_was_judged(
    technique: Technique, base: list[NDArray[Any]], train: Source, evaluation: Source, tmp_path: Path
) -> None:
    found = tuned(technique, base, (train, evaluation), tmp_path, epochs=3)

    judged = found.history.history["val_loss"][1 if technique is Technique.PRUNED else 0 :]
    assert loss_on(found, evaluation) == pytest.approx(min(judged), rel=1e-5)
    losses = found.history.history["loss"]
    assert losses[-1] < losses[0]


def test_a_quantization_aware_network_learns_below_the_rounding(
    base: list[NDArray[Any]], train: Source, evaluation: Source, tmp_path: Path
) -> None:
    found = tuned(Technique.QUANTIZATION_AWARE, base, (train, evaluation), tmp_path, epochs=3)

    kernel = treated(found)["deep_1/kernel:0"]
    levels = kernel / (np.abs(kernel).max(axis=0) / 127)
    assert np.abs(levels - np.round(levels)).max() > 0.1
    # What was judged is the rounded network; the plain one is not far from it.
    judged = min(found.history.history["val_loss"])
    assert loss_on(found, evaluation) == pytest.approx(judged, abs=0.02)
    assert loss_on(found, evaluation) != judged


def test_an_epoch_in_which_pruning_has_not_ended_is_no_candidate(
    base: list[NDArray[Any]], train: Source, contrary: Source, tmp_path: Path
) -> None:
    # The first epoch is the best by far, and has its masks on the way only.
    found = tuned(Technique.PRUNED, base, (train, contrary), tmp_path, epochs=3, patience=3)

    losses = found.history.history["val_loss"]
    assert losses == sorted(losses)
    assert loss_on(found, contrary) == pytest.approx(losses[1], rel=1e-5)
    assert all(int((values == 0).sum()) == round(0.6 * values.size) for values in treated(found).values())


@pytest.mark.parametrize("technique", [Technique.CLUSTERED, Technique.PRUNED_QUANTIZATION_AWARE])
def test_a_killed_fine_tuning_goes_the_way_of_an_unbroken_one(
    technique: Technique,
    base: list[NDArray[Any]],
    train: Source,
    evaluation: Source,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sources, settings = (train, evaluation), {"epochs": 4, "batch_size": 10}
    unbroken = tuned(technique, base, sources, tmp_path / "unbroken", **settings)

    def killed(_: FiniteLoss, epoch: int, _logs: Any) -> None:
        if epoch == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(FiniteLoss, "on_epoch_end", killed)
    with pytest.raises(KeyboardInterrupt):
        tuned(technique, base, sources, tmp_path / "broken", **settings)
    monkeypatch.undo()
    resumed = tuned(technique, base, sources, tmp_path / "broken", **settings)

    assert resumed.history.epoch == [1, 2, 3]
    for one, other in zip(resumed.get_weights(), unbroken.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_a_rounding_layer_rounds_what_an_int8_layer_rounds() -> None:
    layer = MemberDense(1, members=1, treatment=QuantizationAware(by_channel=True))
    layer(tf.zeros([1, 2]))
    layer.set_weights([np.array([[127.0], [0.4]], np.float32), np.array([0.0], np.float32)])

    # The input on the levels of [0, 25.5], a tenth each; the kernel's second weight is less than half a step.
    found = layer(tf.constant([[1.04, 25.5], [0.0, 25.5]]), training=True)

    np.testing.assert_allclose(found[:, 0, 0], [127.0, 0.0], rtol=1e-2)


def test_nothing_is_done_to_the_plain_network() -> None:
    value = tf.constant([1.25, -3.5])
    assert PLAIN.value(value) is value
    assert PLAIN.weight("any", value, None) is value  # type: ignore[arg-type]


@pytest.mark.slow
def test_two_replicas_are_treated_alike_and_as_one_is(examples: Path, tmp_path: Path) -> None:
    for split in ("train", "eval"):
        (tmp_path / f"Split-{split}").symlink_to(examples / f"Split-{split}")

    found = in_a_process_of_its_own("fine_tuned", tmp_path)

    assert found["replicas"] == 2
    two, one = found["two of 8"], found["one of 16"]
    np.testing.assert_allclose(two["history"]["val_loss"], one["history"]["val_loss"], rtol=1e-3)
    for left, right in zip(two["weights"], one["weights"], strict=True):
        np.testing.assert_allclose(left, right, atol=1e-3)
    # Not the same as one replica's: the ranges of values are those of a replica's own rows.
    kernel, losses = np.array(found["pruned"]["kernel"]), found["pruned"]["history"]["loss"]
    assert int((kernel == 0).sum()) == round(FineTuning().sparsity * kernel.size)
    assert losses[-1] < losses[0]
