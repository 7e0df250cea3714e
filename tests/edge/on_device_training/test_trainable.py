"""Trainable files in the real interpreter: what they answer, learn, keep and refuse, and the gate that tries them."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edge.flatbuffer import model_io
from edge.on_device_training.interpreter_training import LearningModel
from edge.on_device_training.trainable import Trainable, make_trainable
from edge.on_device_training.trainable_check import FLOAT32_TOLERANCE, check_trainable
from edge.runtime.litert_model import Array, DeviceModel
from models.export.trainable import TrainableModel
from schema.errors import InputError, PipelineError
from schema.problem import Task
from tests.edge import trainable_case
from tests.edge.trainable_case import MEMBERS, OUTPUTS, WIDTH, changed, labels, rows, without_assignments

SIGNATURES = ["get_head", "predict", "serving_default", "set_head", "train"]


class Case:
    """One task's model, its file and 300 rows."""

    def __init__(self, task: Task, folder: Path) -> None:
        self.task, self.path = task, trainable_case.write(task, folder)
        self.rows = rows(300)
        self.labels = labels(task, self.rows)
        self.scores: Array = self.model().score(self.tensors).numpy()

    def model(self) -> TrainableModel:
        """The model that the file was made from."""
        return trainable_case.model(self.task)

    @property
    def tensors(self) -> dict[str, tf.Tensor]:
        """The rows."""
        return {name: tf.constant(column) for name, column in self.rows.items()}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Task], Case]:
    """The case of a task, made once."""
    return cache(lambda task: Case(task, tmp_path_factory.mktemp(task)))


@pytest.fixture(params=list(Task))
def case(request: pytest.FixtureRequest, cases: Callable[[Task], Case]) -> Case:
    """The case of each task."""
    return cases(request.param)


@pytest.fixture
def binary(cases: Callable[[Task], Case]) -> Case:
    """The case of two classes."""
    return cases(Task.BINARY)


@pytest.fixture(scope="module")
def halved(tmp_path_factory: pytest.TempPathFactory) -> Trainable:
    """The file of two classes as a run makes it."""
    folder = tmp_path_factory.mktemp("halved")
    return make_trainable(trainable_case.save(Task.BINARY, folder), folder / "device" / "trainable.tflite")


def test_before_training_it_answers_as_its_model(case: Case) -> None:
    scores = LearningModel(case.path).predict(case.rows)
    np.testing.assert_allclose(scores, case.scores, rtol=0, atol=1e-6 * max(1.0, np.abs(case.scores).max()))


def test_it_is_a_device_model_like_any_other(case: Case) -> None:
    by_signature = Interpreter(str(case.path)).get_signature_runner("predict")(**case.rows)["score"]
    np.testing.assert_array_equal(DeviceModel(case.path).predict(case.rows, 300), by_signature)


def test_it_learns_what_tensorflow_learns(case: Case) -> None:
    file, model = LearningModel(case.path), case.model()
    numbers = tf.constant(case.labels, tf.float32 if case.task is Task.REGRESSION else tf.int64)
    for rate in (0.1, 0.05, 0.1):
        step = file.train(case.rows, case.labels, rate)
        expected = model.train(case.tensors, numbers, tf.constant(rate))
        assert step.loss == pytest.approx(float(expected["loss"]), rel=1e-5)
        assert step.rows == 300
    for name, values in file.head().items():
        np.testing.assert_allclose(values, model.get_head()[name].numpy(), atol=1e-5)


def test_a_saved_head_survives_a_restart(case: Case, tmp_path: Path) -> None:
    model = LearningModel(case.path)
    first, before = model.head(), model.predict(case.rows)
    assert {name: values.shape for name, values in first.items()} == {
        "kernel": (MEMBERS, WIDTH, OUTPUTS[case.task]),
        "bias": (MEMBERS, OUTPUTS[case.task]),
    }
    model.train(case.rows, case.labels, 0.1)
    learned = model.predict(case.rows)
    assert np.abs(learned - before).max() > 1e-3
    np.savez(tmp_path / "head.npz", **model.head())
    again = LearningModel(case.path)
    np.testing.assert_array_equal(again.predict(case.rows), before)
    again.set_head(dict(np.load(tmp_path / "head.npz")))
    np.testing.assert_array_equal(again.predict(case.rows), learned)
    again.set_head(first)
    np.testing.assert_array_equal(again.predict(case.rows), before)


def test_a_head_may_be_set_before_anything_else(case: Case) -> None:
    head = {"kernel": np.zeros((MEMBERS, WIDTH, OUTPUTS[case.task]), np.float32)}
    head["bias"] = np.zeros((MEMBERS, OUTPUTS[case.task]), np.float32)
    runner = Interpreter(str(case.path))
    assert runner.get_signature_runner("set_head")(**head)["size"] == MEMBERS * (WIDTH + 1) * OUTPUTS[case.task]
    for name, values in runner.get_signature_runner("get_head")().items():
        np.testing.assert_array_equal(values, head[name])


def test_unknown_labels_do_not_count(case: Case) -> None:
    unknown = case.labels.copy()
    unknown[:10], unknown[10:20] = (np.nan, np.inf) if case.task is Task.REGRESSION else (-1, 3)
    kept = {name: column[20:] for name, column in case.rows.items()}
    model, other = LearningModel(case.path), LearningModel(case.path)
    step, expected = model.train(case.rows, unknown, 0.1), other.train(kept, case.labels[20:], 0.1)
    assert (step.rows, expected.rows) == (280, 280)
    assert step.loss == pytest.approx(expected.loss, rel=1e-5)
    np.testing.assert_allclose(model.head()["kernel"], other.head()["kernel"], atol=1e-6)
    before = model.head()
    assert model.train(case.rows, np.full(300, unknown[0]), 0.1).rows == 0
    np.testing.assert_array_equal(model.head()["kernel"], before["kernel"])


@pytest.mark.parametrize("resolver", [OpResolverType.AUTO, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES])
def test_the_file_itself_refuses_a_head_of_another_shape(case: Case, resolver: OpResolverType) -> None:
    interpreter = Interpreter(str(case.path), experimental_op_resolver_type=resolver)
    head = dict(interpreter.get_signature_runner("get_head")())
    other: list[dict[str, Any]] = [
        {"kernel": head["kernel"][:1]},
        {"kernel": head["kernel"].transpose(1, 0, 2)},
        {"kernel": head["kernel"].reshape(-1)},
        {"kernel": np.concatenate([head["kernel"]] * 2)},
        {"bias": head["bias"][:1]},
    ]
    for change in other:
        wrong = {name: values + 1 for name, values in {**head, **change}.items()}
        with pytest.raises(RuntimeError, match=r"RESHAPE|reshape"):
            interpreter.get_signature_runner("set_head")(**wrong)
        for name, values in interpreter.get_signature_runner("get_head")().items():
            np.testing.assert_array_equal(values, head[name])
    interpreter.get_signature_runner("set_head")(**head)


def test_the_file_itself_refuses_one_label_for_many_rows(case: Case) -> None:
    one = case.labels[:1].astype(np.float32 if case.task is Task.REGRESSION else np.int64)
    train = Interpreter(str(case.path)).get_signature_runner("train")
    with pytest.raises(RuntimeError, match=r"RESHAPE|reshape"):
        train(**case.rows, label=one, learning_rate=np.float32(0.1))


def test_it_holds_builtins_only(case: Case) -> None:
    model = model_io.read(case.path.read_bytes())
    assert model_io.custom_operators(model) == ()
    assert sorted(Interpreter(str(case.path)).get_signature_list()) == SIGNATURES


def test_the_gate_accepts_it(case: Case) -> None:
    found = check_trainable(case.path, case.rows, case.labels, case.scores, FLOAT32_TOLERANCE)
    assert found.reasons == ()
    assert found.accepted
    assert (found.rows, found.trained_rows) == (300, 256)
    assert found.loss_after < 0.9 * found.loss_before


def test_a_run_makes_a_smaller_file(halved: Trainable, binary: Case) -> None:
    assert halved.bytes == halved.path.stat().st_size < binary.path.stat().st_size
    assert {"ASSIGN_VARIABLE", "CALL_ONCE", "DEQUANTIZE", "HASHTABLE_IMPORT"} <= set(halved.operators)
    assert [path.name for path in halved.path.parent.iterdir()] == ["trainable.tflite"]
    assert check_trainable(halved.path, binary.rows, binary.labels, binary.scores).accepted
    first, other = LearningModel(halved.path).head(), LearningModel(binary.path).head()
    np.testing.assert_array_equal(first["kernel"], other["kernel"])


def test_the_gate_says_what_is_amiss(binary: Case, tmp_path: Path) -> None:
    shifted = check_trainable(binary.path, binary.rows, binary.labels, binary.scores + np.float32(0.25))
    assert not shifted.accepted
    assert shifted.reasons == ("before training it differs by 0.25 from its model; at most 0.001 allowed",)

    idle = changed(binary.path, tmp_path / "idle.tflite", lambda content: without_assignments(content, b"train"))
    still = check_trainable(idle, binary.rows, binary.labels, binary.scores)
    assert still.learning_rate is None
    assert still.loss_after == still.loss_before
    assert still.reasons == (f"10 steps on 256 rows lower their loss of {still.loss_before:.4g} at no rate",)

    keeps = changed(binary.path, tmp_path / "keeps.tflite", lambda content: without_assignments(content, b"set_head"))
    assert check_trainable(keeps, binary.rows, binary.labels, binary.scores).reasons == (
        "the trained head, put into a model loaded anew, does not give the trained answers",
        "the first head, put back, does not give the first answers",
    )


def test_the_gate_needs_rows(binary: Case) -> None:
    none = {name: column[:0] for name, column in binary.rows.items()}
    with pytest.raises(InputError, match=r"one row or more\. Received: \[0\], \[0, 1\]"):
        check_trainable(binary.path, none, binary.labels[:0], binary.scores[:0])
    with pytest.raises(InputError, match=r"Received: \[300\], \[299, 1\]"):
        check_trainable(binary.path, binary.rows, binary.labels, binary.scores[1:])
    with pytest.raises(InputError, match=r"shape \[300, 1\]\. Received: \[300, 3\]"):
        check_trainable(binary.path, binary.rows, binary.labels, np.repeat(binary.scores, 3, axis=1))


def test_wrong_requests_are_refused_and_change_nothing(binary: Case) -> None:
    model = LearningModel(binary.path)
    head = model.head()
    for rate in (-0.1, np.nan, np.inf):
        with pytest.raises(InputError, match="learning_rate: expected a finite number of 0 or more"):
            model.train(binary.rows, binary.labels, rate)
    with pytest.raises(InputError, match=r"labels: expected class numbers \(integers\) \[300\]\. Received: float64"):
        model.train(binary.rows, binary.labels.astype(float), 0.1)
    with pytest.raises(InputError, match=r"Received: int64 \[299\]"):
        model.train(binary.rows, binary.labels[1:], 0.1)
    with pytest.raises(InputError, match="missing column 'hour'"):
        model.train({name: binary.rows[name] for name in ("carrier", "distance")}, binary.labels, 0.1)
    with pytest.raises(InputError, match=r"head: expected the shapes \{.*\}\. Received: \{'kernel'.*\}"):
        model.set_head({"kernel": head["kernel"]})
    with pytest.raises(InputError, match="head: expected finite float32 numbers in 'bias'"):
        model.set_head({**head, "bias": head["bias"] * np.float32(np.nan)})
    np.testing.assert_array_equal(model.predict(binary.rows), LearningModel(binary.path).predict(binary.rows))


def test_another_file_is_refused(binary: Case, tmp_path: Path) -> None:
    def only_answers(content: Any) -> None:
        content.signatureDefs = [entry for entry in content.signatureDefs if entry.signatureKey == b"serving_default"]

    with pytest.raises(InputError, match="expected the signatures predict, train, get_head, set_head"):
        LearningModel(changed(binary.path, tmp_path / "answers.tflite", only_answers))
    with pytest.raises(InputError, match="no such file"):
        LearningModel(tmp_path / "absent.tflite")


def test_a_failed_conversion_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no SavedModel there"):
        make_trainable(tmp_path / "absent", tmp_path / "out" / "trainable.tflite")
    module = tf.Module()
    module.answer = tf.function(lambda: {"score": tf.zeros([1, 1])}, input_signature=[])
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures={"predict": module.answer})
    with pytest.raises(PipelineError, match=r"(?s)conversion ended with exit code 1: .*signature"):
        make_trainable(tmp_path / "saved", tmp_path / "out" / "trainable.tflite")
    assert list((tmp_path / "out").iterdir()) == []
