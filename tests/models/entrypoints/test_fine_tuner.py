"""run_fn of the fine-tuner as TFX calls it: one device form a technique, from a model that the Trainer left."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from models.entrypoints import fine_tuner
from models.entrypoints.fine_tuner import read_techniques, run_fn, tuned_finely
from models.entrypoints.trainer import checkpoint_folder
from models.entrypoints.trainer import run_fn as train
from models.training.fit import FineTune, fit
from models.training.training_options import Training
from schema.bound import BoundProblem
from schema.errors import InputError, PipelineError
from schema.problem import Device, FineTuning
from schema.row_ledger import read_counts
from schema.signatures import DEVICE_FORM, DEVICE_SCORE, SERVING_DEFAULT, SERVING_FORM, TECHNIQUES, device_form
from schema.techniques import Technique
from tests.models.training_case import bound_problem, fn_args

ROWS = {
    "carrier": tf.constant([b"AA", b"B6", b""]),
    "hour": tf.constant([0, 3, -1], tf.int64),
    "distance": tf.constant([100.0, float("nan"), 900.0]),
}
TWO = (Technique.PRUNED, Technique.QUANTIZATION_AWARE)


@pytest.fixture(scope="module")
def base(examples: Path, transform_graph: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The served form of a trained model."""
    folder = tmp_path_factory.mktemp("base")
    train(SimpleNamespace(**fn_args(folder, examples, transform_graph, problem())))
    return folder / "model" / SERVING_FORM


@pytest.fixture(scope="module")
def tuned(base: Path, examples: Path, transform_graph: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one run_fn wrote with two techniques."""
    folder = tmp_path_factory.mktemp("tuned")
    run_fn(arguments(folder, examples, transform_graph, base))
    return folder


def problem() -> BoundProblem:
    """The tiny problem, which is fine-tuned for two epochs at a small rate."""
    found = bound_problem()
    device = Device(fine_tuning=FineTuning(epochs=2, learning_rate=0.01, sparsity=0.5))
    return found.model_copy(update={"problem": found.problem.model_copy(update={"device": device})})


def arguments(
    folder: Path,
    examples: Path,
    graph: Path,
    base: Path | None,
    techniques: tuple[str, ...] = TWO,
    options: Training | None = None,
) -> SimpleNamespace:
    """What TFX's second Trainer hands to run_fn."""
    values = fn_args(folder, examples, graph, problem(), options, base_model=str(base) if base else None)
    values["custom_config"]["techniques"] = json.dumps(techniques)
    return SimpleNamespace(**values)


def variables(folder: Path, technique: str | None) -> dict[str, Any]:
    """Variables of a device form by their place in it."""
    reader = tf.train.load_checkpoint(str(folder / device_form(technique) / "variables" / "variables"))
    names = [name for name, shape in reader.get_variable_to_shape_map().items() if shape]
    return {name: reader.get_tensor(name) for name in names}


def test_a_technique_has_a_device_form_and_nothing_is_served(tuned: Path) -> None:
    model = tuned / "model"
    assert sorted(path.name for path in model.iterdir()) == [
        "Format-Device-pruned",
        "Format-Device-quantization_aware",
        SERVING_FORM,
    ]
    assert json.loads((model / SERVING_FORM / TECHNIQUES).read_text(encoding="utf-8")) == {
        "pruned": "Format-Device-pruned",
        "quantization_aware": "Format-Device-quantization_aware",
    }
    assert device_form(None) == DEVICE_FORM


@pytest.mark.parametrize("technique", TWO)
def test_a_form_is_the_trained_ones_but_for_its_weights(technique: str, tuned: Path, base: Path) -> None:
    trained, found = variables(base.parent, None), variables(tuned / "model", technique)
    assert {name: values.shape for name, values in found.items()} == {n: v.shape for n, v in trained.items()}
    assert any(not np.array_equal(found[name], trained[name]) for name in trained)

    answers = []
    for folder in (base.parent / DEVICE_FORM, tuned / "model" / device_form(technique)):
        signature = tf.saved_model.load(str(folder)).signatures[SERVING_DEFAULT]
        answers.append(signature(**ROWS)[DEVICE_SCORE].numpy())
    assert answers[0].shape == answers[1].shape == (3, 1)
    np.testing.assert_allclose(answers[0], answers[1], atol=0.2)


def test_a_pruned_form_has_its_zeros_baked_in(tuned: Path) -> None:
    [kernel] = [values for values in variables(tuned / "model", Technique.PRUNED).values() if values.shape == (9, 4)]
    assert int((kernel == 0).sum()) == 18


def test_each_technique_leaves_curves_and_none_a_checkpoint(tuned: Path) -> None:
    assert sorted(path.name for path in (tuned / "run").iterdir()) == sorted(TWO)
    assert list((tuned / "checkpoints").iterdir()) == []


def test_a_killed_fine_tuning_trains_no_finished_technique_again(
    tuned: Path,
    base: Path,
    examples: Path,
    transform_graph: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    epochs: dict[str, list[int]] = {}

    def killed(*given: Any) -> tf_keras.Model:
        network, technique = fit(*given), given[-1].technique
        if technique == TWO[1] and technique not in epochs:
            epochs[technique] = []
            raise KeyboardInterrupt
        epochs[technique] = network.history.epoch
        return network

    monkeypatch.setattr(fine_tuner, "fit", killed)
    with pytest.raises(KeyboardInterrupt):
        run_fn(arguments(tmp_path, examples, transform_graph, base))
    assert epochs == {TWO[0]: [0, 1], TWO[1]: []}
    for left in ("model", "run"):  # as TFX does with what a failed node left
        shutil.rmtree(tmp_path / left)
    run_fn(arguments(tmp_path, examples, transform_graph, base))

    assert epochs == {TWO[0]: [], TWO[1]: []}
    for technique in TWO:
        assert read_counts(tmp_path / "run" / technique) == read_counts(tuned / "run" / technique)
        again, once = variables(tmp_path / "model", technique), variables(tuned / "model", technique)
        for name, values in once.items():
            np.testing.assert_allclose(again[name], values, rtol=1e-5, atol=1e-6)


def test_rows_are_read_once_for_all_techniques(
    base: Path, examples: Path, transform_graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds: list[Any] = []

    def watched(*given: Any) -> tf_keras.Model:
        feeds.append(given[-2])
        assert isinstance(given[-1], FineTune)
        return fit(*given)

    monkeypatch.setattr(fine_tuner, "fit", watched)
    run_fn(arguments(tmp_path, examples, transform_graph, base))

    assert feeds[0] is feeds[1]
    assert len(feeds[0]._made) == 2  # the training rows and the evaluation rows


def test_another_base_model_is_another_fine_tuning(base: Path, examples: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(base.parent, tmp_path / "model") / SERVING_FORM
    before = checkpoint_folder(arguments(tmp_path, examples, tmp_path, copied))
    (tmp_path / "model" / "weights" / "weights.npz").write_bytes(b"others under the same path")

    assert checkpoint_folder(arguments(tmp_path, examples, tmp_path, copied)) != before


def test_fine_tuning_has_settings_of_its_own_and_leaves_no_epoch_out() -> None:
    network = tuned_finely(problem(), 64).problem.network
    assert (network.epochs, network.learning_rate, network.patience) == (2, 0.01, 2)
    assert network.hidden_units == problem().problem.network.hidden_units


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('["prund"]', r"fine-tuning: no technique 'prund'\. Did you mean 'pruned'\?"),
        ("[]", r"fine-tuning: expected at least one technique\. Received: none"),
    ],
)
def test_techniques_that_are_none_are_refused(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_techniques(text)


def test_without_a_trained_model_it_says_so(examples: Path, transform_graph: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"fine-tuning: expected a trained model to start from\. Received: none"):
        run_fn(arguments(tmp_path, examples, transform_graph, None))


def test_weights_of_another_network_are_refused(
    base: Path, examples: Path, transform_graph: Path, tmp_path: Path
) -> None:
    values = arguments(tmp_path, examples, transform_graph, base)
    values.custom_config["bound"] = bound_problem(embedding_size=3).model_dump_json()

    with pytest.raises(InputError, match=r"weights\.npz does not fit: .*expected shape \(5, 3\)\. Received: \(5, 2\)"):
        run_fn(values)
    assert not (tmp_path / "model").exists()


def test_weights_that_broke_unnoticed_are_not_exported(
    base: Path, examples: Path, transform_graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: Any) -> tf_keras.Model:
        network = fit(*given)
        network.get_layer("deep_1").kernel.assign(tf.fill([9, 4], float("nan")))
        return network

    monkeypatch.setattr(fine_tuner, "fit", broken)
    with pytest.raises(PipelineError, match=r"pruned left weights that are not finite: deep_1/kernel:0\. Lower device"):
        run_fn(arguments(tmp_path, examples, transform_graph, base, (Technique.PRUNED,)))
    assert not (tmp_path / "model").exists()


@pytest.mark.slow
def test_local_workers_fine_tune_as_one_process_does(
    base: Path, examples: Path, transform_graph: Path, tmp_path: Path
) -> None:
    options = Training(strategy="multi_worker_mirrored", local_workers=2)
    run_fn(arguments(tmp_path, examples, transform_graph, base, (Technique.PRUNED,), options))

    [kernel] = [values for values in variables(tmp_path / "model", Technique.PRUNED).values() if values.shape == (9, 4)]
    assert int((kernel == 0).sum()) == 18
    assert (tmp_path / "model" / SERVING_FORM / TECHNIQUES).is_file()
    assert list((tmp_path / "checkpoints").iterdir()) == []
